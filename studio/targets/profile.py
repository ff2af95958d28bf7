"""What is known of a microcontroller or board, each fact with its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

CORES: dict[str, frozenset[str]] = {
    "cortex-m0plus": frozenset(),
    "cortex-m3": frozenset(),
    "cortex-m4f": frozenset({"dsp", "fpu"}),
    "cortex-m7": frozenset({"dsp", "fpu"}),
    "cortex-m33": frozenset({"dsp", "fpu"}),
    "cortex-m55": frozenset({"dsp", "fpu", "mve"}),
    "cortex-m85": frozenset({"dsp", "fpu", "mve"}),
    "riscv32": frozenset(),
    "xtensa-lx6": frozenset({"fpu"}),
    "xtensa-lx7": frozenset({"fpu"}),
    "host": frozenset({"fpu"}),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A number, where it comes from, and whether anybody checked it."""

    value: float
    source: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of memory that the linker may use."""

    name: str
    kind: Literal["flash", "ram"]
    address: int
    size_bytes: int
    verified: bool = True


def runs(regions: Iterable[Region]) -> list[tuple[Region, ...]]:
    """Regions by address, those that follow each other without a gap together."""
    found: list[tuple[Region, ...]] = []
    for region in sorted(regions, key=lambda region: region.address):
        last = found[-1][-1] if found else None
        if last is not None and last.address + last.size_bytes == region.address:
            found[-1] = (*found[-1], region)
        else:
            found.append((region,))
    return found


@dataclass(frozen=True, slots=True)
class Profile:
    """A board or MCU.

    Attributes:
        id: file name without suffix, or `virtual/...`; what `--board` takes.
        name: what people call it.
        mcu: the part.
        core: a key of CORES.
        clock_hz: core clock; None where not known.
        memory: the regions; images go into the first one of flash and what lies next to it.
        port: the folder below runtime_c/ports with start-up code and UART, or "" where none exists.
        machine: the QEMU machine of a virtual board, else "".
        uploads: flashing methods, best first.
        usb_ids: "vid:pid" of the board's serial port or probe.
        sensors: "kind:part" of what is on the board.
        active_ma, active_v: supply current while the core computes, and the voltage at which it
            was measured; None where not known.
        sources: where the facts come from.
        unverified: names of fields that were recalled or inferred.
    """

    id: str
    name: str
    mcu: str
    core: str
    memory: tuple[Region, ...]
    clock_hz: Fact | None = None
    port: str = ""
    machine: str = ""
    uploads: tuple[str, ...] = ()
    usb_ids: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    active_ma: Fact | None = None
    active_v: Fact | None = None
    sources: str = ""
    unverified: frozenset[str] = frozenset()

    @property
    def features(self) -> frozenset[str]:
        """Instruction set extensions that the core has: dsp, fpu, mve."""
        return CORES[self.core]

    @property
    def virtual(self) -> bool:
        """True where the board starts by itself (QEMU or the host)."""
        return self.id.startswith("virtual/")

    @property
    def flash(self) -> Region:
        """What an image is linked into: the first region of flash and those that adjoin it."""
        found = [region for region in self.memory if region.kind == "flash"]
        [run] = [run for run in runs(found) if found[0] in run]
        return replace(run[0], size_bytes=sum(region.size_bytes for region in run))

    def size_bytes(self, kind: Literal["flash", "ram"]) -> int:
        """Bytes of RAM in all its regions, or of flash that an image can be linked into."""
        if kind == "flash":
            return self.flash.size_bytes
        return sum(region.size_bytes for region in self.memory if region.kind == kind)
