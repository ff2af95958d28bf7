"""Where the files are that come with the program, and where it keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(path: str) -> Path:
    """The file or folder `path`, in the installed package or in a checkout.

    Args:
        path: relative to the project's root, such as `resources/boards` or `runtime_c`.
    """
    packed = _PACKAGE / "_data"
    return (packed if packed.is_dir() else _PACKAGE.parent) / path


def cache_folder() -> Path:
    """The user's cache folder, or what the environment variable STUDIO_CACHE names."""
    named = os.environ.get("STUDIO_CACHE")
    return Path(named or platformdirs.user_cache_dir("tinyml-studio", appauthor=False))
