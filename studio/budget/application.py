"""What the user's own application takes beside the model: a linked file, and bytes by hand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from studio.budget import Reserve
from studio.build.taken import taken_bytes
from studio.targets.resources import changed_ns


def reserve(file: str = "", flash_bytes: int = 0, ram_bytes: int = 0) -> Reserve:
    """What a firmware takes, and what is said to come on top of it.

    Args:
        file: an ELF file or a linker map, read again where it has changed; "" for none.
        flash_bytes: of flash, on top of what the file says.
        ram_bytes: of RAM, likewise.

    Raises:
        BuildError: a file that cannot be read, or that is neither of both.
        ProfileError: negative bytes.
    """
    flash, ram = _taken(file, changed_ns(file)) if file else (0, 0)
    return Reserve(flash + flash_bytes, ram + ram_bytes)


@lru_cache(maxsize=16)
def _taken(file: str, _changed: int) -> tuple[int, int]:
    return taken_bytes(Path(file))
