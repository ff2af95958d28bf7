"""Offsets below a given height, by search: for placements that the greedy order misses.

Buffers are laid in the order of their offsets, each on top of all that lies at its moments
already; every placement without needless holes can be told so. What a buffer leaves empty
beneath it is lost, and no moment may lose more than the height exceeds its load; at the worst
moments nothing may be lost at all, which leaves few ways to go on (minimalloc, Moffitt 2023,
searches likewise). Several short searches, each with another order of preference, find more
than a long one. Their steps are counted, not timed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

SEARCHES = 30  # at most
STEPS = 300  # of each search
WORK = 6_000_000  # sections to look at in all


def fit(sizes: Sequence[int], lives: Sequence[int], height: int) -> list[int] | None:
    """Offsets such that no two live buffers overlap and none ends above `height`; or None."""
    sections = _sections(lives)
    dice = random.Random(0)
    each = STEPS * 2 * sum(map(len, sections)) + 1
    for number in range(max(1, min(SEARCHES, WORK // each))):
        weights = [
            size * (len(own) if number % 2 else 1) * (dice.random() if number > 1 else 1)
            for size, own in zip(sizes, sections, strict=True)
        ]
        order = sorted(range(len(sizes)), key=lambda b: -weights[b])
        found = _Search(sizes, sections, height, order).offsets()
        if found is not None:
            return found
    return None


def _sections(lives: Sequence[int]) -> list[list[int]]:
    """For each buffer the sections at which it lives: sets that are alive at once, the largest."""
    begins = {moment for life in lives for moment in rising(life)}
    together = {
        sum(1 << b for b, life in enumerate(lives) if life >> moment & 1) for moment in begins
    }
    largest = sorted(s for s in together if not any(s != t and not s & ~t for t in together))
    return [[t for t, alive in enumerate(largest) if alive >> b & 1] for b in range(len(lives))]


def rising(life: int) -> list[int]:
    """The moments at which a buffer begins to live."""
    return members(life & ~(life << 1))


def members(bits: int) -> list[int]:
    """The elements of a set that is kept as the bits of an int, in order."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


class _Search:
    """Depth first, the least offset first; `order` decides between equals."""

    def __init__(
        self,
        sizes: Sequence[int],
        sections: Sequence[Sequence[int]],
        height: int,
        order: list[int],
    ) -> None:
        self.sizes, self.sections, self.left = sizes, sections, order
        self.tops = [0] * (1 + max((t for own in sections for t in own), default=-1))
        self.spare = [height] * len(self.tops)  # bytes that each section may still lose
        for b, own in enumerate(sections):
            for t in own:
                self.spare[t] -= sizes[b]
        self.places = [0] * len(sizes)
        self.steps = STEPS

    def offsets(self) -> list[int] | None:
        """The first placement found, or None."""
        return self.places if self._go_on(0) else None

    def _go_on(self, lowest: int) -> bool:
        """Place what is left, from the offset `lowest` on."""
        if not self.left:
            return True
        floors = sorted(
            (max([lowest, *(self.tops[t] for t in self.sections[b])]), at, b)
            for at, b in enumerate(self.left)
        )
        if self._loses(floors):
            return False
        # What begins above the end of another could have let that one go first.
        first_end = min(floor + self.sizes[b] for floor, _, b in floors)
        for floor, _, b in floors:
            self.steps -= 1
            if floor >= first_end or self.steps < 0:
                return False
            if self._placed(b, floor):
                return True
        return False

    def _loses(self, floors: Sequence[tuple[int, int, int]]) -> bool:
        """True where a section loses more than it may, whatever comes next."""
        coming = list(self.tops)
        for floor, _, b in reversed(floors):
            for t in self.sections[b]:
                coming[t] = floor
        lost = zip(coming, self.tops, self.spare, strict=True)
        return any(floor - top > spare for floor, top, spare in lost)

    def _placed(self, b: int, floor: int) -> bool:
        """Go on with a buffer at an offset; as before where that leads nowhere."""
        own = self.sections[b]
        before = [self.tops[t] for t in own]
        if any(floor - top > self.spare[t] for t, top in zip(own, before, strict=True)):
            return False
        for t, top in zip(own, before, strict=True):
            self.spare[t] -= floor - top
            self.tops[t] = floor + self.sizes[b]
        at = self.left.index(b)
        self.left.pop(at)
        self.places[b] = floor
        if self._go_on(floor):
            return True
        self.left.insert(at, b)
        for t, top in zip(own, before, strict=True):
            self.spare[t] += floor - top
            self.tops[t] = top
        return False
