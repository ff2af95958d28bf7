"""Files that somebody keeps: the old or the new one, never half of it."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from studio.errors import StudioError

_HINT = "choose another folder, one that you may write to and that has room"


def write_whole(path: Path, content: bytes, kind: type[StudioError] = StudioError) -> None:
    """Write a file; where that fails, what was there before is untouched and nothing is left.

    Raises:
        StudioError: of `kind`, the file cannot be written.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a device or pipe is written to, not replaced
        else:
            _replace(target, content)
    except OSError as error:
        raise kind(f"cannot be written: {error.strerror}", str(path), _HINT) from None


def check_place(path: Path, kind: type[StudioError] = StudioError) -> None:
    """Refuse before long work what `write_whole` would refuse after it.

    Raises:
        StudioError: of `kind`, a folder, or one that is not there or may not be written.
    """
    folder = path.resolve().parent
    if path.is_dir():
        raise kind("is a folder", str(path), "name a file in it")
    if not folder.is_dir():
        raise kind("cannot be written: there is no such folder", str(path), f"make {folder} first")
    if not os.access(folder, os.W_OK):
        raise kind("cannot be written: the folder is read-only", str(path), _HINT)


def _replace(target: Path, content: bytes) -> None:
    part = target.with_name(f"{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(content)  # with the rights that the user's new files have
        if target.exists():
            with suppress(OSError):  # a file system without such rights
                shutil.copymode(target, part)
        os.replace(part, target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
