"""The window: `python -m studio [PROJECT|MODEL]`."""

from __future__ import annotations

import sys


def main() -> int:
    """Open the window, on what the command line names if it names anything."""
    from studio.gui.application import run

    return run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
