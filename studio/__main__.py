"""The window: `python -m studio [PROJECT|MODEL]`."""

from __future__ import annotations

import sys

from studio.errors import StudioError


def show() -> int:
    """Open the window, on what the command line names if it names anything; the exit status.

    Raises:
        StudioError: there is no display.
    """
    from studio.gui.application import run

    return run(sys.argv)


def main() -> int:
    """As `show`, with an error in words."""
    try:
        return show()
    except StudioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
