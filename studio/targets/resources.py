"""Where the files are that come with the program: board profiles, icons, the C runtime."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(path: str) -> Path:
    """The file or folder `path`, in the installed package or in a checkout.

    Args:
        path: relative to the project's root, such as `resources/boards` or `runtime_c`.
    """
    packed = _PACKAGE / "_data"
    return (packed if packed.is_dir() else _PACKAGE.parent) / path
