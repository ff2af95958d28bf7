"""Where buffers lie in the arena.

Placement is a two-dimensional packing: a buffer takes its bytes at the moments at which it
lives. Moments are the steps of the schedule; a set of them is the bits of an int, so that a
row that is written and read again and again is alive just then.

Greedy by size first; then a search for a placement that meets the lower bound, the most bytes
that live at once (`fit`); where that fails, or outputs may begin inside inputs, exchanges in the
order of placement until a number of tries is used up: a number, not a time, so that the same model
gives the same bytes on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import accumulate
from operator import or_

from studio.compiler.fit import fit, members, rising

ALIGN_BYTES = 4
TRIES = 300
WORK = 12_000_000  # neighbours to look at in one search: about a second

Pair = tuple[int, int]
Neighbours = Sequence[Sequence[tuple[int, int, int]]]


def aligned(size_bytes: int) -> int:
    """The size with its padding."""
    return -(-size_bytes // ALIGN_BYTES) * ALIGN_BYTES


def moments(first: int, last: int) -> int:
    """The set of all moments from first to last, both included."""
    return (1 << (last + 1)) - (1 << first) if last >= first else 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Offsets parallel to the buffers, what they take together, and what no placement undercuts."""

    offsets: tuple[int, ...]
    arena_bytes: int
    bound_bytes: int


def bound(
    sizes: Sequence[int], lives: Sequence[int], overlaps: Mapping[Pair, int] | None = None
) -> int:
    """What no placement takes less than: the most bytes that live at once.

    Of a pair that may overlap, the bytes that both can have in common count once. What buffers take
    together is at least the sum of their sizes less what each two of them have in common
    (Bonferroni's inequality), so this holds for any number of pairs.
    """
    spans = list(zip(sizes, lives, strict=True))
    for (out, source), below in (overlaps or {}).items():
        both = most_common(sizes[out], sizes[source], below)
        spans.append((-both, lives[out] & lives[source]))
    taken = taken_bytes(spans)
    # The live set grows only where a buffer begins to live.
    begins = {i for life in lives for i in rising(life)}
    return max((taken[moment] for moment in begins), default=0)


def taken_bytes(spans: Iterable[tuple[int, int]]) -> list[int]:
    """What (size, life) pairs take together at each moment, until the last of them ends."""
    changes: dict[int, int] = {}
    for size, life in spans:
        for moment in rising(life):
            changes[moment] = changes.get(moment, 0) + size
        for moment in members((life << 1) & ~life):
            changes[moment] = changes.get(moment, 0) - size
    return list(accumulate(changes.get(i, 0) for i in range(max(changes, default=0))))


def most_common(out: int, source: int, below: int) -> int:
    """Bytes that an output and its input can share where it begins at least `below` below it."""
    if below <= max(out - source, 0):
        return min(out, source)
    return max(out - below, 0)


def place(
    sizes: Sequence[int],
    lives: Sequence[int],
    overlaps: Mapping[Pair, int] | None = None,
    target: int = 0,
    tries: int = TRIES,
) -> Placement:
    """Offsets such that no two live buffers overlap, as low as the tries allow.

    Args:
        sizes: bytes, multiples of the alignment.
        lives: sets of moments, parallel to `sizes`.
        overlaps: (output, input) -> bytes by which the output must begin below the input, so that
            it only ever overwrites rows of the input that were read for the last time.
        target: with overlaps, the least that is thought possible: the search ends there.
        tries: exchanges to try once the greedy placement has missed the bound.
    """
    key = tuple(sorted((overlaps or {}).items()))
    return _placed(tuple(sizes), tuple(lives), key, target, tries)


@lru_cache(maxsize=256)
def _placed(
    sizes: tuple[int, ...],
    lives: tuple[int, ...],
    overlaps: tuple[tuple[Pair, int], ...],
    target: int,
    tries: int,
) -> Placement:
    allowed = dict(overlaps)
    least = target if allowed else bound(sizes, lives)
    near = neighbours(sizes, lives, allowed)
    starts = [(life & -life).bit_length() for life in lives]
    by_size = sorted(range(len(sizes)), key=lambda i: (-sizes[i], starts[i]))
    orders = [by_size]
    if allowed:
        # An output lies below the input that it overwrites only if it is placed before it.
        overlapped = {i for pair in allowed for i in pair}
        orders.append(sorted(by_size, key=lambda i: (i not in overlapped, -starts[i])))
    best = min((_drop(order, sizes, near), order) for order in orders)
    fitting = None if allowed or best[0][0] <= least else fit(sizes, lives, least)
    if fitting is not None:
        return Placement(tuple(fitting), least, least)
    height, offsets = _exchanged(best[1], best[0], sizes, near, least, tries)
    proven = bound(sizes, lives, allowed) if allowed else least
    return Placement(tuple(offsets), height, proven)


def neighbours(
    sizes: Sequence[int], lives: Sequence[int], allowed: Mapping[Pair, int]
) -> Neighbours:
    """For each buffer i those that live with it: (j, bytes from i to j above, from j to i above).

    Args:
        sizes: as in `place`.
        lives: likewise.
        allowed: its overlaps.
    """
    alive: dict[int, int] = {}
    for i, life in enumerate(lives):
        for moment in members(life):
            alive[moment] = alive.get(moment, 0) | 1 << i
    near = []
    for i, life in enumerate(lives):
        others = reduce(or_, (alive[moment] for moment in members(life)), 0) & ~(1 << i)
        near.append(
            [
                (j, allowed.get((i, j), sizes[i]), allowed.get((j, i), sizes[j]))
                for j in members(others)
            ]
        )
    return near


def _exchanged(
    order: list[int],
    best: tuple[int, list[int]],
    sizes: Sequence[int],
    near: Neighbours,
    target: int,
    tries: int,
) -> tuple[int, list[int]]:
    """Exchange places in the order until the target is met or the tries are used up."""
    dice = random.Random(0)
    each = len(order) + sum(map(len, near))
    for _ in range(min(tries, WORK // each) if len(order) > 1 else 0):
        if best[0] <= target:
            break
        i, j = dice.sample(range(len(order)), 2)
        order[i], order[j] = order[j], order[i]
        tried = _drop(order, sizes, near)
        if tried[0] <= best[0]:
            best = tried
        else:
            order[i], order[j] = order[j], order[i]
    return best


def _drop(order: Sequence[int], sizes: Sequence[int], near: Neighbours) -> tuple[int, list[int]]:
    """Height and offsets: each buffer in turn as low as those that live with it allow."""
    offsets = [-1] * len(sizes)
    height = 0
    for i in order:
        low = lowest(
            (offsets[j] - below, offsets[j] + above)
            for j, below, above in near[i]
            if offsets[j] >= 0
        )
        offsets[i] = low
        height = max(height, low + sizes[i])
    return height, offsets


def lowest(taken: Iterable[tuple[int, int]]) -> int:
    """The lowest offset that does not lie strictly between the two ends of any pair."""
    low = 0
    for start, stop in sorted(taken):
        if low > start and low < stop:
            low = stop
    return low
