"""Where the files are that come with the program, and where it keeps what it can make again."""

from __future__ import annotations

import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from studio.errors import BuildError

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(path: str) -> Path:
    """The file or folder `path`, in the installed package or in a checkout.

    Args:
        path: relative to the project's root, such as `resources/boards` or `runtime_c`.
    """
    packed = _PACKAGE / "_data"
    return (packed if packed.is_dir() else _PACKAGE.parent) / path


def shipped_table(folder: str, what: str, toolchain: str, core: str) -> dict[str, Any]:
    """What was measured for a compiler and core, such as the sizes of kernels.

    Raises:
        BuildError: nothing was.
    """
    try:
        text = resource(f"resources/{folder}/{toolchain}-{core}.json").read_text("utf-8")
    except OSError:
        raise BuildError(
            f"there is no table of {what} for {core}", toolchain, "choose another board"
        ) from None
    values: dict[str, Any] = json.loads(text)
    return values


def changed_ns(path: str | Path) -> int:
    """When a file was written last, for caches of what it says; 0 where there is none."""
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0  # who reads it says what is wrong


def cache_folder() -> Path:
    """The user's cache folder, or what the environment variable STUDIO_CACHE names.

    Where it cannot be written, a folder that lasts as long as the program stands in: compilers
    wait for ever for a cache that they cannot lock.
    """
    named = os.environ.get("STUDIO_CACHE")
    return _writable(named or platformdirs.user_cache_dir("tinyml-studio", appauthor=False))


@cache
def _writable(folder: str) -> Path:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        _stand_ins.append(tempfile.TemporaryDirectory(prefix="tinyml-studio-"))
        return Path(_stand_ins[-1].name)
    return Path(folder)


_stand_ins: list[tempfile.TemporaryDirectory[str]] = []
