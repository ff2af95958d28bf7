"""PlatformIO's board manifests (boards/*.json): name, core, clock and sizes of a board.

A manifest has no addresses: flash and RAM get those of the architecture's memory map, marked as
unverified.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from studio.errors import ProfileError
from studio.reading import read_whole
from studio.targets.library import from_table
from studio.targets.profile import Profile

MAX_BYTES = 1 << 20
_HINT = "take a file of PlatformIO's boards folder, or write a profile in TOML"
FLASH_ADDRESS, RAM_ADDRESS = 0x0, 0x2000_0000
CORES = {
    "cortex-m0": "cortex-m0plus", "cortex-m0plus": "cortex-m0plus", "cortex-m3": "cortex-m3",
    "cortex-m4": "cortex-m4f", "cortex-m7": "cortex-m7", "cortex-m33": "cortex-m33",
    "cortex-m55": "cortex-m55", "cortex-m85": "cortex-m85",
}  # fmt: skip
CHIPS = {
    "esp32": "xtensa-lx6", "esp32s3": "xtensa-lx7", "esp32c3": "riscv32", "esp32c6": "riscv32",
}  # fmt: skip


def read_manifest(path: Path) -> Profile:
    """Read a manifest.

    Raises:
        ProfileError: not readable, no manifest, an unknown core, or sizes that are not positive.
    """
    where = path.name
    content = read_whole(path, MAX_BYTES, ProfileError, _HINT)
    try:
        manifest = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"cannot be read: {error}", str(path), _HINT) from None
    build, upload = _part(manifest, "build", where), _part(manifest, "upload", where)
    mcu = _word(build, "mcu", "unknown", where)
    source = f"PlatformIO manifest {where}"
    cpu = _word(build, "cpu", mcu, where)
    table: dict[str, Any] = {
        "name": _word(manifest, "name", path.stem, where),
        "mcu": mcu,
        "core": CORES.get(cpu) or CHIPS.get(mcu) or cpu,
        "sources": source,
        "unverified": ["memory", "core"] if cpu == "cortex-m4" else ["memory"],
        "memory": [
            _region("flash", "flash", FLASH_ADDRESS, upload.get("maximum_size"), where),
            _region("ram", "ram", RAM_ADDRESS, upload.get("maximum_ram_size"), where),
        ],
    }
    clock = re.fullmatch(r"(\d{1,12})(?:L|UL)?", str(build.get("f_cpu", "")))
    if clock:
        table["clock_hz"] = {"value": int(clock[1]), "source": source}
    return from_table(table, path.stem, where)


def _part(manifest: Any, key: str, where: str) -> dict[str, Any]:
    part = manifest.get(key) if isinstance(manifest, dict) else None
    if not isinstance(part, dict):
        raise ProfileError(f"is no PlatformIO manifest: it has no '{key}'", where, _HINT)
    return part


def _word(part: dict[str, Any], key: str, default: str, where: str) -> str:
    word = part.get(key, default)
    if not isinstance(word, str):
        raise ProfileError(f"its {key} is no text", where, _HINT)
    return word


def _region(name: str, kind: str, address: int, size: Any, where: str) -> dict[str, Any]:
    if type(size) is not int:
        raise ProfileError(f"states no size of its {name}", where, "write a profile in TOML")
    return {"name": name, "kind": kind, "address": address, "size_bytes": size, "verified": False}
