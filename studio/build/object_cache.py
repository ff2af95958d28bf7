"""Compiled files by the digest of all that they depend on, shared between builds."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from studio.targets.resources import cache_folder

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
_KEEP_DAYS = 30
_SUM_BYTES = 32  # of the content's sha256, behind it


def digest(command: Sequence[str], version: str, texts: Mapping[str, bytes]) -> str:
    """The name under which the result of a command over some files is kept."""
    total = hashlib.sha256("\0".join([version, *command]).encode())
    for path in sorted(texts):
        total.update(f"\0{path}\0{len(texts[path])}\0".encode())
        total.update(texts[path])
    return total.hexdigest()


def with_includes(
    source: str, includes: Sequence[str], files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """A source file and the project's files that it includes, directly or not.

    Args:
        source: path of the file in the project.
        includes: the folders in which the compiler looks.
        files: all files of the project by path.
    """
    found = {source: files[source]}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        for match in _INCLUDE.findall(files[path]):
            for folder in (str(PurePosixPath(path).parent), *includes):
                other = posixpath.normpath(f"{folder}/{match.decode()}")
                if other in files and other not in found:
                    found[other] = files[other]
                    waiting.append(other)
    return found


def fetch(name: str, to: Path) -> bool:
    """Copy a kept object to `to`; False where there is none."""
    kept = _place(name)
    try:
        stored = kept.read_bytes()
    except OSError:
        return False
    content, sum_ = stored[:-_SUM_BYTES], stored[-_SUM_BYTES:]
    if hashlib.sha256(content).digest() != sum_:  # a power cut left it short
        return False
    to.write_bytes(content)
    with suppress(OSError):
        os.utime(kept)
    return True


def keep(name: str, made: Path) -> None:
    """Keep an object. Renaming makes it appear whole, whoever else builds at the same time."""
    kept = _place(name)
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as part:
            try:
                content = made.read_bytes()
                part.write(content + hashlib.sha256(content).digest())
                part.close()
                os.replace(part.name, kept)
            except OSError:
                os.unlink(part.name)
                raise


def forget_old() -> None:
    """Remove what was not used for a month."""
    oldest = time.time() - _KEEP_DAYS * 86_400
    for kept in (cache_folder() / "objects").glob("*/*"):
        with suppress(OSError):  # another build was faster, or another user made it
            if kept.stat().st_mtime < oldest:
                kept.unlink()


def _place(name: str) -> Path:
    return cache_folder() / "objects" / name[:2] / name
