"""In which order calls run: the one whose worst moment holds the fewest bytes.

A set of calls that have run decides what lives, whatever their order was; so the search
walks over such sets. It is exact (the least worst moment first, as Dijkstra's algorithm goes)
while there are few of them, and a beam search beyond: counted, not timed, so that the same
model gives the same order on every machine. A call that takes no byte more than are
there already, and leaves no more behind, runs at once: no other order gains by waiting.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from itertools import count

from studio.compiler.arena import aligned
from studio.compiler.program import Buffer, KernelCall

SETS = 3_000  # of calls that have run, looked at before the search is no longer exact
BEAM = 32  # sets kept of each size after that
OTHERS, MORE = 6, (1.0, 1.02, 1.05)  # orders that take so many times the bytes of the best one
NOISE = (0.8, 1.2)  # factor on what a set holds, where another order is sought

_Path = tuple[int, int, tuple[int, ...]]  # rank (the worst moment), bytes that live, the calls


def ordered(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> tuple[int, ...]:
    """Indices of the calls in the order that takes least; as given where none takes less."""
    return next(orders(buffers, calls))


def orders(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Iterator[tuple[int, ...]]:
    """The order that takes least, and then others that take no more, or hardly.

    Where buffers cannot be placed in as few bytes as live at once, another order may be kinder.
    """
    given = tuple(range(len(calls)))
    graph = _Graph(buffers, calls)
    most = graph.peak(given)
    least = None if graph.least_peak() >= most else _exact(graph, most)
    yield least or given
    most = graph.peak(least or given)
    seen = {least or given}
    for seed in range(OTHERS * len(MORE)):
        limit = int(most * MORE[seed // OTHERS]) + 1
        other = _beam(graph, limit, random.Random(seed))
        if other is not None and other not in seen:
            seen.add(other)
            yield other


class _Graph:
    """What calls wait for and what they hold, with sets of calls as the bits of an int."""

    def __init__(self, buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> None:
        self.sizes = [aligned(buffer.size_bytes) for buffer in buffers]
        self.readers = [0] * len(buffers)
        self.writers = [0] * len(buffers)
        self.scratch = [0 if c.scratch is None else self.sizes[c.scratch] for c in calls]
        self.touched: list[tuple[int, ...]] = []
        for k, call in enumerate(calls):
            sources = {b for b in call.inputs if isinstance(b, int)}
            for b in sources:
                self.readers[b] |= 1 << k
            for b in call.outputs:
                self.writers[b] |= 1 << k
            self.touched.append(tuple(sorted(sources | set(call.outputs))))
        self.kept = [buffer.role in ("output", "state") for buffer in buffers]
        self.before = _waits(buffers, calls)
        self.all = (1 << len(calls)) - 1
        self.at_start = sum(
            size
            for size, buffer in zip(self.sizes, buffers, strict=True)
            if buffer.role in ("input", "state")
        )
        self.there = [buffer.role in ("input", "state") for buffer in buffers]

    def ready(self, done: int) -> list[int]:
        """Calls that wait for nothing any more, in the order given."""
        return [k for k, waits in enumerate(self.before) if not done >> k & 1 and not waits & ~done]

    def step(self, done: int, live: int, k: int) -> tuple[int, int]:
        """Bytes while call k runs after the set `done`, and after it."""
        fresh, dead, after = 0, 0, done | 1 << k
        for b in self.touched[k]:
            if not self.there[b] and not self.writers[b] & done:
                fresh += self.sizes[b]
            if not self.kept[b] and not self.readers[b] & ~after and not self.writers[b] & ~after:
                dead += self.sizes[b]
        return live + fresh + self.scratch[k], live + fresh - dead

    def peak(self, order: Sequence[int]) -> int:
        """Bytes of an order's worst moment."""
        done, live, most = 0, self.at_start, self.at_start
        for k in order:
            during, live = self.step(done, live, k)
            most, done = max(most, during), done | 1 << k
        return most

    def least_peak(self) -> int:
        """Bytes of the worst call alone: no order takes less."""
        alone = (
            sum(self.sizes[b] for b in touched) + scratch
            for touched, scratch in zip(self.touched, self.scratch, strict=True)
        )
        return max(self.at_start, *alone) if self.touched else self.at_start

    def choices(self, done: int, live: int, most: int) -> list[tuple[int, int, int]]:
        """(call, bytes while it runs, bytes after it) of what may come next."""
        found = []
        for k in self.ready(done):
            during, after = self.step(done, live, k)
            if during <= most and after <= live:
                return [(k, during, after)]
            found.append((k, during, after))
        return found


def _waits(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> list[int]:
    """For each call the set of those that must have run before it.

    A reader waits for who writes before it, and a writer for who reads before it. Parts of a
    tensor may be written in any order where they are copies, as those of a concatenation are.
    """
    before = [0] * len(calls)
    read, written, copied = ([0] * len(buffers) for _ in range(3))
    for k, call in enumerate(calls):
        for b in call.inputs:
            if isinstance(b, int):
                before[k] |= written[b]
        copies = call.kernel.startswith("tms_copy_")
        for b in call.outputs:
            before[k] |= (read[b] | written[b]) & ~(copied[b] if copies else 0)
        for b in call.inputs:
            if isinstance(b, int):
                read[b] |= 1 << k
        for b in call.outputs:
            written[b] |= 1 << k
            copied[b] |= copies << k
    return before


def _exact(graph: _Graph, most: int) -> tuple[int, ...] | None:
    """The best order with a worst moment below `most`, or None where there is none."""
    number = count()
    heap = [(graph.at_start, 0, next(number), 0, graph.at_start)]
    came: dict[int, tuple[int, int]] = {0: (0, -1)}  # the set before, and the call
    known = {0: graph.at_start}
    while heap:
        peak, _, _, done, live = heapq.heappop(heap)
        if done == graph.all:
            return _walked(came, done)
        if peak > known[done]:
            continue
        if len(known) > SETS:
            return _beam(graph, most)
        for k, during, after in graph.choices(done, live, peak):
            then, worst = done | 1 << k, max(peak, during)
            if worst < min(most, known.get(then, most)):
                known[then], came[then] = worst, (done, k)
                heapq.heappush(heap, (worst, -then.bit_count(), next(number), then, after))
    return None


def _walked(came: dict[int, tuple[int, int]], done: int) -> tuple[int, ...]:
    order: list[int] = []
    while done:
        done, k = came[done]
        order.append(k)
    return tuple(order[::-1])


def _beam(graph: _Graph, most: int, dice: random.Random | None = None) -> tuple[int, ...] | None:
    """An order with a worst moment below `most`, or None where none was found.

    Args:
        graph: the calls.
        most: bytes that no moment may reach.
        dice: for another order than the one that seems best.
    """
    front: dict[int, _Path] = {0: (graph.at_start, graph.at_start, ())}
    for _ in range(graph.all.bit_count()):
        ahead: dict[int, _Path] = {}
        for done, (peak, live, order) in front.items():
            for k, during, after in graph.choices(done, live, 0 if dice else peak):
                rank = int(after * dice.uniform(*NOISE)) if dice else max(peak, during)
                then, found = done | 1 << k, (rank, after, (*order, k))
                if during < most and (then not in ahead or found < ahead[then]):
                    ahead[then] = found
        front = dict(sorted(ahead.items(), key=lambda item: item[1])[:BEAM])
    return front[graph.all][2] if graph.all in front else None
