"""The window, `python -m studio [PROJECT|MODEL]`; with a command, the command line."""

from __future__ import annotations

import sys

from studio import cli
from studio.errors import StudioError


def show() -> int:
    """Open the window, on what the command line names if it names anything; the exit status.

    Raises:
        StudioError: there is no display.
    """
    from studio.gui.application import run

    return run(sys.argv)


def main() -> int:
    """As `show`, with an error in words; what a command asks for is the command line's."""
    words = sys.argv[1:]
    if words and (words[0].startswith("-") or words[0] in cli.command_names()):
        return cli.main(words)
    try:
        return show()
    except StudioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
