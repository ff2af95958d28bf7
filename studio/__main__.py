"""The window: `python -m studio [PROJECT|MODEL]`."""

from __future__ import annotations

import sys

from studio.errors import StudioError


def main() -> int:
    """Open the window, on what the command line names if it names anything; the exit status."""
    from studio.gui.application import run

    try:
        return run(sys.argv)
    except StudioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
