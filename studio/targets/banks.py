"""The RAM of a board as banks: pieces into which a linker may put memory, the fastest first.

A core's tightly coupled memory (DTCM, CCM) is the fastest for data, memory outside of the chip the
slowest; the architecture of Cortex-M has addresses of its own for it. Regions whose addresses
follow each other are one piece; where some of them are faster than others, they are one piece only
for what fits nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from studio.targets.profile import Profile, Region, runs

FAST, EXTERNAL = ("dtcm", "ccm", "tcm"), ("psram", "sdram", "external")
EXTERNAL_ADDRESSES = range(0x6000_0000, 0xA000_0000)
ALIGN_BYTES = 16  # of an arena
COUPLED, ON_CHIP, OUTSIDE = range(3)


@dataclass(frozen=True, slots=True)
class Bank:
    """One piece of RAM.

    Attributes:
        name: of its regions, joined by "+".
        address: of its first byte that memory may begin at.
        size_bytes: from there to the end of its regions.
        distance: COUPLED, ON_CHIP or OUTSIDE.
    """

    name: str
    address: int
    size_bytes: int
    distance: int

    @property
    def end(self) -> int:
        """Address behind it."""
        return self.address + self.size_bytes

    def apart(self, other: Bank) -> bool:
        """True where no byte belongs to both."""
        return self.end <= other.address or other.end <= self.address


def ram_banks(profile: Profile) -> tuple[Bank, ...]:
    """Banks that share no byte, the fastest first, the larger of equals first."""
    return _banks(profile.memory)[0]


def joined_banks(profile: Profile) -> tuple[Bank, ...]:
    """Neighbouring banks of unlike speed as one, the largest first."""
    return _banks(profile.memory)[1]


@lru_cache(maxsize=512)
def _banks(memory: tuple[Region, ...]) -> tuple[tuple[Bank, ...], tuple[Bank, ...]]:
    """Banks that share no byte, and neighbours of unlike speed."""
    ram = [region for region in memory if region.kind == "ram"]
    alike = [[r for r in ram if _distance(r) == far] for far in (COUPLED, ON_CHIP, OUTSIDE)]
    apart = _ordered(_bank(run) for regions in alike for run in runs(regions))
    together = _ordered(bank for bank in map(_bank, runs(ram)) if bank not in apart)
    return apart, together


def _ordered(banks: Iterable[Bank]) -> tuple[Bank, ...]:
    return tuple(sorted(banks, key=lambda bank: (bank.distance, -bank.size_bytes)))


def _bank(run: tuple[Region, ...]) -> Bank:
    """Regions as one bank, from the first address on that memory may begin at."""
    start, end = run[0].address, run[-1].address + run[-1].size_bytes
    aligned = min(-(-start // ALIGN_BYTES) * ALIGN_BYTES, end)
    name = "+".join(region.name for region in run)
    return Bank(name, aligned, end - aligned, max(map(_distance, run)))


def _distance(region: Region) -> int:
    name = region.name.lower()
    if any(word in name for word in FAST):
        return COUPLED
    outside = region.address in EXTERNAL_ADDRESSES or any(word in name for word in EXTERNAL)
    return OUTSIDE if outside else ON_CHIP
