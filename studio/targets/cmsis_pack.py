"""Devices of a CMSIS-Pack description (.pdsc): core, clock and memories.

What a family says holds for its sub-families, devices and variants unless they say otherwise.
The file is foreign XML: document types and entities are refused, size and depth are bounded.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from studio.errors import DeviceNeeded, ProfileError
from studio.reading import read_whole
from studio.targets.library import from_table
from studio.targets.profile import Profile
from studio.targets.resources import changed_ns

MAX_BYTES, MAX_DEPTH, MAX_DEVICES = 64 << 20, 100, 20_000
MAX_MEMORIES, MAX_NAME = 64, 200  # of a device, which inherits copies of what its family has
_HINT = "take the .pdsc of a CMSIS-Pack as its vendor made it, or write a profile in TOML"
PROCESSOR = ("Dcore", "Dfpu", "Dclock")
MEMORY = ("access", "start", "size")
LEVELS = ("family", "subFamily", "device", "variant")
CORES = {
    "Cortex-M0": "cortex-m0plus", "Cortex-M0+": "cortex-m0plus", "Cortex-M3": "cortex-m3",
    "Cortex-M4": "cortex-m4f", "Cortex-M7": "cortex-m7", "Cortex-M33": "cortex-m33",
    "Cortex-M55": "cortex-m55", "Cortex-M85": "cortex-m85",
}  # fmt: skip


@dataclass
class _Device:
    """What is said of a device so far, by itself and by what it belongs to."""

    name: str = ""
    processor: dict[str, str] = field(default_factory=dict)
    memories: dict[str, dict[str, str]] = field(default_factory=dict)

    def heir(self, name: str) -> _Device:
        return _Device(name or self.name, dict(self.processor), dict(self.memories))


def devices(path: Path) -> tuple[str, ...]:
    """Names of the devices in a description.

    Raises:
        ProfileError: as `read_device`.
    """
    return tuple(_parsed(path, changed_ns(path)))


def read_device(path: Path, name: str = "") -> Profile:
    """Read a device; the name may be left out where there is only one.

    Raises:
        DeviceNeeded: there are several.
        ProfileError: not readable, no XML, with a document type or entities, too large, no such
            device, an unknown core, or memories that cannot be.
    """
    found = _parsed(path, changed_ns(path))
    where = f"{path.name}#{name}" if name else path.name
    if not found:
        raise ProfileError("describes no devices", where, _HINT)
    if not name and len(found) == 1:
        name = next(iter(found))
    if name not in found:
        near = difflib.get_close_matches(name, list(found), n=3, cutoff=0.0)
        hint = f"write {path.name}#{' or #'.join(near)}"
        if not name:
            raise DeviceNeeded("say which device", where, hint, tuple(found))
        raise ProfileError("no such device", where, hint)
    return from_table(_table(found[name], path.name, where), name.lower(), where)


def _table(device: _Device, source: str, where: str) -> dict[str, Any]:
    core = device.processor.get("Dcore", "none")
    table: dict[str, Any] = {
        "name": device.name,
        "mcu": device.name,
        "core": CORES.get(core, core),
        "sources": f"CMSIS-Pack {source}",
        "memory": sorted(
            (_region(key, memory, where) for key, memory in device.memories.items()),
            key=lambda region: -region["size_bytes"],
        ),
    }
    if core == "Cortex-M4" and device.processor.get("Dfpu", "0") in ("0", "NO_FPU"):
        raise ProfileError("a Cortex-M4 without FPU is not supported", where, "choose cortex-m3")
    if "Dclock" in device.processor:
        clock = _number(device.processor["Dclock"], f"{where}: Dclock")
        table["clock_hz"] = {"value": clock, "source": table["sources"]}
    return table


def _region(key: str, memory: dict[str, str], where: str) -> dict[str, Any]:
    place = f"{where}: memory '{key}'"
    access = memory.get("access", "")
    flash = "w" not in access if access else key.upper().startswith("IROM")
    return {
        "name": key,
        "kind": "flash" if flash else "ram",
        "address": _number(memory.get("start", ""), place),
        "size_bytes": _number(memory.get("size", ""), place),
    }


def _number(text: str, where: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        hint = "correct it there, or write a profile in TOML"
        raise ProfileError(f"'{text[:40]}' is no number", where, hint) from None


@lru_cache(maxsize=1)
def _parsed(path: Path, _changed_ns: int) -> dict[str, _Device]:
    """The devices; kept, since who is asked which device is meant comes back for it."""
    content, reader = read_whole(path, MAX_BYTES, ProfileError, _HINT), _Reader(path.name)
    try:
        reader.parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ProfileError(f"is no XML: {error}", path.name, _HINT) from None
    return reader.found


class _Reader:
    """Collects devices while expat reads; refuses what can grow or reach outside."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: dict[str, _Device] = {}
        self.path: list[str] = []
        self.open: list[_Device] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_entities
        self.parser.EntityDeclHandler = self._refuse_entities
        self.parser.ExternalEntityRefHandler = self._refuse_entities

    def _refuse(self, what: str) -> NoReturn:
        raise ProfileError(what, self.where, _HINT)

    def _refuse_entities(self, *_: object) -> int:
        self._refuse("has a document type or entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= MAX_DEPTH or len(self.found) >= MAX_DEVICES:
            self._refuse("is nested too deeply or has too many devices")
        self.path.append(tag)
        if tag in LEVELS:
            parent = self.open[-1] if self.open else _Device()
            name = attributes.get("Dname") or attributes.get("Dvariant", "")
            if len(name) > MAX_NAME:
                self._refuse("has a device of which the name is no name: too long")
            self.open.append(parent.heir(name))
        elif self.open and tag == "processor":
            known = self.open[-1].processor
            if "Dcore" not in known or "Pname" not in attributes:  # the first of several counts
                said = {fact: attributes[fact] for fact in PROCESSOR if fact in attributes}
                known.update(said)
        elif self.open and tag == "memory":
            key = attributes.get("id") or attributes.get("name", "memory")
            memories = self.open[-1].memories
            memories[key] = {fact: attributes[fact] for fact in MEMORY if fact in attributes}
            if len(memories) > MAX_MEMORIES:
                self._refuse("has a device with too many memories")

    def _end(self, tag: str) -> None:
        self.path.pop()
        if tag in LEVELS:
            device = self.open.pop()
            if tag in ("device", "variant") and device.name:
                self.found[device.name] = device
