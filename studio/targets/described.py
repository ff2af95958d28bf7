"""A board as a person types it in: checked field by field by the reader of profiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from studio.errors import ProfileError
from studio.targets.library import from_table, region_from, region_place
from studio.targets.profile import Profile

SOURCE, WHERE = "described by hand", "the board"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}  # as linker scripts count
_SIZE = re.compile(r"(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,16})\s*([kKmM]?)")
_FINE: dict[str, Any] = {
    "name": "board", "mcu": "part", "core": "cortex-m0plus",
    "memory": [
        {"name": "flash", "kind": "flash", "address": 0, "size_bytes": 1},
        {"name": "ram", "kind": "ram", "address": 1, "size_bytes": 1},
    ],
}  # fmt: skip
"""What stands in for the other fields while one is checked."""


@dataclass(frozen=True, slots=True)
class Row:
    """A region of memory as typed: texts, the numbers decimal or 0x, sizes also with K or M."""

    name: str
    kind: str
    address: str
    size: str


@dataclass(frozen=True, slots=True)
class Described:
    """A board as typed; `clock_mhz` is "" where it is not known."""

    name: str = ""
    mcu: str = ""
    core: str = "cortex-m4f"
    clock_mhz: str = ""
    memory: tuple[Row, ...] = ()

    def profile(self, board: str) -> Profile:
        """The profile with the id `board`.

        Raises:
            ProfileError: any of `problems`.
        """
        return from_table({**self._facts(), "memory": self._regions()}, board, WHERE)

    def problems(self) -> dict[str, ProfileError]:
        """What is wrong, by field: name, mcu, core, clock, memory, or "memory 0" for a row."""
        found: dict[str, ProfileError] = {}
        for field in ("name", "mcu", "core"):
            try:
                from_table({**_FINE, field: getattr(self, field)}, "", WHERE)
            except ProfileError as error:
                found[field] = error
        try:
            from_table({**_FINE, **self._clock()}, "", WHERE)
        except ProfileError as error:
            found["clock"] = error
        for index, row in enumerate(self.memory):
            try:
                region_from(_region(row), WHERE)
            except ProfileError as error:
                found[f"memory {index}"] = error
        if not any(field.startswith("memory") for field in found):
            found |= self._memory_problem()
        return found

    def _memory_problem(self) -> dict[str, ProfileError]:
        """The first problem of the regions together; each by itself is fine."""
        try:
            from_table({**_FINE, "memory": self._regions()}, "", WHERE)
        except ProfileError as error:
            return {"memory": error}
        return {}

    def _facts(self) -> dict[str, Any]:
        named = {"name": self.name, "mcu": self.mcu, "core": self.core, "sources": SOURCE}
        return {**named, **self._clock()}

    def _clock(self) -> dict[str, Any]:
        if not self.clock_mhz.strip():
            return {}
        try:
            value = round(float(self.clock_mhz) * 1e6)
        except (ValueError, OverflowError):
            what = f"'{self.clock_mhz[:40]}' is no number"
            hint = "write MHz, as 84 or 32.768, or nothing where it is not known"
            raise ProfileError(what, f"{WHERE}: clock_hz", hint) from None
        return {"clock_hz": {"value": value, "source": SOURCE}}

    def _regions(self) -> list[dict[str, Any]]:
        return [_region(row) for row in self.memory]


def _region(row: Row) -> dict[str, Any]:
    where = region_place(WHERE, row.name)
    if not row.name.strip():
        raise ProfileError("has no name", where, "call it flash or ram")
    return {
        "name": row.name,
        "kind": row.kind,
        "address": _number(row.address, "address", where),
        "size_bytes": _number(row.size, "size", where),
    }


def _number(text: str, what: str, where: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if not found:
        told = f"its {what} '{text[:40]}' is no number" if text.strip() else f"its {what} is empty"
        example = "0x20000000" if what == "address" else "65536, 0x10000 or 64K"
        raise ProfileError(told, where, f"write it as {example}")
    return int(found[1], 0 if found[1][:2] in ("0x", "0X") else 10) * _UNITS[found[2].upper()]
