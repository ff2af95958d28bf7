"""What the rest of a user's firmware takes: read from its ELF file or its linker map.

GNU ld's and lld's maps are understood by their sections: those that are loaded count as flash,
those that are written as RAM, initialised data as both.
"""

from __future__ import annotations

import re
from pathlib import Path

from studio.build.link_map import read_image
from studio.errors import BuildError
from studio.reading import read_whole

MAX_BYTES = 256 << 20
_ADDRESSES, _DIGITS = 1 << 32, 18  # of a number of 64 bits with its 0x
_HINT = (
    "take the ELF file of your firmware, or the map that the linker writes with -Wl,-Map=app.map"
)
_LOADED = (".text", ".rodata", ".isr_vector", ".vectors", ".ARM.exidx", ".ARM.extab",
           ".init_array", ".fini_array", ".preinit_array")  # fmt: skip
_INITIALISED, _ZEROED = (".data",), (".bss", ".noinit")
_GNU = re.compile(r"^(\.[\w.]+)\s+(-?0x[0-9a-fA-F]+)\s+(-?0x[0-9a-fA-F]+)", re.MULTILINE)
_LLD = re.compile(
    r"^ *([0-9a-f]{1,16}) +[0-9a-f]{1,16} +([0-9a-f]{1,16}) +\d+ (\.[\w.]+)$", re.MULTILINE
)


def taken_bytes(path: Path) -> tuple[int, int]:
    """Bytes of flash and of RAM that a linked firmware takes, without its stack.

    Args:
        path: an ELF file, or a map that ld (-Map) or lld wrote.

    Raises:
        BuildError: not readable, neither of both, or without sections that are known.
    """
    flash, ram = _taken(path, read_whole(path, MAX_BYTES, BuildError, _HINT))
    if not flash and not ram:
        what = "names no section of which it is known what memory it takes"
        raise BuildError(what, path.name, "take the ELF file of your firmware, or give the numbers")
    if flash > _ADDRESSES or ram > _ADDRESSES:
        what = "its sections are larger than 32-bit addresses allow"
        raise BuildError(what, path.name, _HINT)
    return flash, ram


def _taken(path: Path, content: bytes) -> tuple[int, int]:
    if content[:4] == b"\x7fELF":
        image = read_image(
            path, board="", model="", digest="", core="", toolchain="", stack_bytes=0
        )
        return image.flash_bytes, image.ram_bytes
    text = re.sub(r"\n +0x", " 0x", content.decode("utf-8", "replace"))  # ld breaks long names
    sections = _sections(text, path.name)
    if not sections:
        raise BuildError("is neither an ELF file nor a linker map", path.name, _HINT)
    data = sum(size for name, size in sections.items() if name.startswith(_INITIALISED))
    loaded = sum(size for name, size in sections.items() if name.startswith(_LOADED))
    zeroed = sum(size for name, size in sections.items() if name.startswith(_ZEROED))
    return loaded + data, data + zeroed


def _sections(text: str, where: str) -> dict[str, int]:
    """Bytes of output sections; a map states them at the start of a line, input sections not."""
    stated = _GNU.findall(text)
    stated = stated or [(name, address, size) for address, size, name in _LLD.findall(text)]
    found = {}
    for name, address, size in stated:
        numbers = [-1 if len(number) > _DIGITS else int(number, 16) for number in (address, size)]
        if min(numbers) < 0 or sum(numbers) > _ADDRESSES:
            what = f"section {name[:40]} does not lie within 32-bit addresses"
            raise BuildError(what, where, _HINT)
        found[name] = numbers[1]
    return found
