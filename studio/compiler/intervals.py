"""What calls [i, j) would take if they ran row by row, for all i and j.

Whoever comes before them, calls [i, j) run in the same order of rows: a row is pulled by those
who read it. So one course for each j, as far back as rows flow, tells of all i: what its first
calls add can be left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from studio.compiler import rings
from studio.compiler.arena import aligned
from studio.compiler.kernel import kernel_of
from studio.compiler.program import Buffer, KernelCall, Step
from studio.compiler.rows import Course, Flow, course, flow

Array = npt.NDArray[np.int64]

_KEPT = 512  # rowings, of a few nets


@dataclass(frozen=True, eq=False)
class _Rowing:
    """How rows flow through a stage, whatever their bytes.

    Attributes:
        callers: the call of each step; the n-th step of a call computes its row n.
        heights: rows that the ring of each inner buffer holds.
        lives: for each ring the places from first to last at which it lives.
        waiting: (writer, reader, input of it) -> the first row that the reader still needs at each
            row of the writer; as many as there are rows once it needs no more.
    """

    callers: Array
    heights: dict[int, int]
    lives: dict[int, list[rings.Span]]
    waiting: dict[tuple[int, int, int], Array] = field(default_factory=dict)

    @cached_property
    def steps_from(self) -> list[int]:
        """For each call how many steps it and those after it take."""
        steps: list[int] = np.cumsum(np.bincount(self.callers)[::-1])[::-1].tolist()
        return steps

    @cached_property
    def moments(self) -> tuple[Array, dict[int, Array]]:
        """The steps that differ: their calls, and for each ring at which of them it lives."""
        alive = np.zeros((len(self.lives) + 1, len(self.callers)), np.int64)
        alive[0] = self.callers
        for row, held in zip(alive[1:], self.lives.values(), strict=True):
            for begin, end in held:
                row[begin : end + 1] = 1
        distinct = np.unique(alive, axis=1)
        return distinct[0], dict(zip(self.lives, distinct[1:], strict=True))


@dataclass(frozen=True, eq=False)
class _Longest:
    """The longest stage that ends before a call.

    Attributes:
        first: its first call.
        rowing: how rows flow through it.
        peaks: for its calls but the last, the bytes at the worst moment of a stage from there.
    """

    first: int
    rowing: _Rowing
    peaks: tuple[int, ...]


_ROWINGS: dict[Hashable, _Rowing] = {}
_LOCK = Lock()


class Intervals:
    """Stages of one Program's calls.

    Args:
        buffers: all of them.
        calls: in order.
        longest: calls in one stage.
        known: stages of another Program whose first calls and buffers are the same.
        alike: how many calls that are.
    """

    def __init__(
        self,
        buffers: Sequence[Buffer],
        calls: Sequence[KernelCall],
        longest: int,
        known: Intervals | None = None,
        alike: int = 0,
    ) -> None:
        self.buffers, self.calls, self.most_calls = buffers, calls, longest
        self.flows = [flow(call, buffers) for call in calls]
        self.reads: list[list[tuple[int, int]]] = [[] for _ in buffers]  # (call, which input)
        self.writers: list[list[int]] = [[] for _ in buffers]
        for i, call in enumerate(calls):
            for slot, source in enumerate(call.inputs):
                if isinstance(source, int):
                    self.reads[source].append((i, slot))
            for target in (*call.outputs, *([] if call.scratch is None else [call.scratch])):
                self.writers[target].append(i)
        self.readers = [[i for i, _ in reads] for reads in self.reads]
        sizes = [aligned(buffer.size_bytes) for buffer in buffers]
        self.sizes = np.array(sizes, np.int64)
        self._births = np.array([self._birth(b) for b in range(len(buffers))])
        self._deaths = np.array([self._death(b) for b in range(len(buffers))])
        self._uses = [self._use(b) for b in range(len(buffers))]
        self._around: list[Array] = [self._bytes_until(j) for j in range(len(calls) + 1)]
        self._longest: list[_Longest | None] = [
            known._longest[j] if known is not None and j <= alike else self._find(j)
            for j in range(len(calls) + 1)
        ]

    # ---- who lives when -------------------------------------------------------------------

    def _birth(self, b: int) -> int:
        if self.buffers[b].role in ("input", "state"):
            return 0
        return min(self.writers[b], default=0)

    def _death(self, b: int) -> int:
        if self.buffers[b].role in ("output", "state"):
            return len(self.calls)
        return max(self.readers[b], default=int(self._births[b]))

    def _use(self, b: int) -> tuple[int, int] | None:
        """First and last call of a buffer that is written and read by calls only."""
        plain = self.buffers[b].role in ("activation", "input")
        if not (plain and self.writers[b] and self.readers[b]):
            return None
        calls = (*self.writers[b], *self.readers[b])
        return min(calls), max(calls)

    def _inside(self, b: int, i: int, j: int) -> bool:
        """True where a buffer is written and read within [i, j) only."""
        use = self._uses[b]
        return use is not None and i <= use[0] and use[1] < j

    def _bytes_until(self, j: int) -> Array:
        """For each i the bytes of whole tensors that live at some time in [i, j)."""
        begun = self._births < j
        by_death = np.bincount(
            self._deaths[begun], weights=self.sizes[begun], minlength=len(self.calls) + 1
        )
        total: Array = np.cumsum(by_death[::-1])[::-1].astype(np.int64)
        return total

    def flow_of(self, k: int) -> Flow:
        """How rows go through a call of a stage."""
        found = self.flows[k]
        assert found is not None
        return found

    # ---- the longest stages ---------------------------------------------------------------

    def _find(self, j: int) -> _Longest | None:
        """The longest stage before call j, and what all shorter ones take."""
        first = j
        while first > max(0, j - self.most_calls) and self._joins(first - 1, j):
            first -= 1
        if j - first < 2:
            return None
        outs = {self.calls[k].outputs[0] for k in range(first, j)}
        found = self._rowing(first, j, frozenset(b for b in outs if self._inside(b, first, j)))
        unused = set(range(first, j)) - set(found.callers.tolist())  # nobody reads a row of them
        used = max([first, *(k + 1 for k in unused)])
        return _Longest(used, found, tuple(self._peaks(found, used, j)))

    def _rowing(self, first: int, j: int, inner: frozenset[int]) -> _Rowing:
        """How rows flow through the calls; remembered from net to net.

        What a user drags changes channels and scales; rows stay as they are.
        """
        flows = {k: self.flow_of(k) for k in range(first, j)}
        calls = [
            (call.inputs, call.outputs, rows.height, rows.windows, kernel_of(call).carries)
            for call, rows in zip(self.calls[first:j], flows.values(), strict=True)
        ]
        key = (first, inner, tuple(calls))
        known = _ROWINGS.get(key)
        if known is not None:
            return known
        found = course(range(first, j), self.calls, flows, inner)
        lives = rings.spans(found.steps, self.calls, inner, flows)
        rowing = _Rowing(np.array([step.call for step in found.steps]), found.heights, lives)
        with _LOCK:
            _ROWINGS[key] = rowing
            if len(_ROWINGS) > _KEPT:
                del _ROWINGS[next(iter(_ROWINGS))]
        return rowing

    def _joins(self, i: int, j: int) -> bool:
        """True where call i can run row by row before calls (i, j)."""
        if self.flows[i] is None or self._renews(i, j):
            return False
        writer, out = self.flow_of(i), self.calls[i].outputs[0]
        if not self._inside(out, i, j):
            # A tensor that leaves the stage must not be read in it before it is done.
            return not any(i <= k < j for k in self.readers[out])
        return len(self.writers[out]) == 1 and all(
            self.flow_of(k).in_row_bytes[slot] == writer.out_row_bytes
            and self.flow_of(k).windows[slot][3] == writer.height
            for k in self.readers[out]
            for slot, source in enumerate(self.calls[k].inputs)
            if source == out
        )

    def _renews(self, i: int, j: int) -> bool:
        """True where a state would be read and get its next value in calls [i, j), row by row."""
        read = {b for b in self.calls[i].inputs if isinstance(b, int)}
        written = set(self.calls[i].outputs)
        return any(
            self.buffers[b].role == "state"
            and any(i < k < j for k in (self.writers if b in read else self.readers)[b])
            for b in read ^ written
        )

    def _peaks(self, found: _Rowing, first: int, j: int) -> list[int]:
        """For each i the most bytes that live at once in a stage [i, j)."""
        callers, alive = found.moments
        taken: Array = np.zeros((j - first, len(callers)), np.int64)
        inside = np.zeros(j - first, np.int64)
        for i in range(first, j):
            ring = self.calls[i].outputs[0]
            if ring in alive:
                whole = self.buffers[ring]
                size = aligned(whole.tensor_bytes // whole.shape[0] * found.heights[ring])
                taken[i - first] = size * alive[ring]
                inside[i - first] = self.sizes[ring]
        rings = np.cumsum(taken[::-1], axis=0)[::-1]  # of calls from i on
        rings = np.where(callers >= np.arange(first, j)[:, None], rings, 0)
        whole_bytes = self._around[j][first:j] - np.cumsum(inside[::-1])[::-1]
        peaks: list[int] = (whole_bytes + rings.max(axis=1)).tolist()
        return peaks

    # ---- answers --------------------------------------------------------------------------

    def begins(self, j: int) -> range:
        """Where stages of several calls that end before call j may begin."""
        longest = self._longest[j]
        return range(j, j) if longest is None else range(longest.first, j - 1)

    def course(self, i: int, j: int) -> Course:
        """How rows flow through a stage [i, j)."""
        if j - i == 1:
            return Course((Step(i, 0, self.calls[i].rows or 1),), {})
        found = self._rows_until(j)
        done = dict.fromkeys(range(i, j), 0)
        steps = []
        for k in found.callers[found.callers >= i].tolist():
            steps.append(Step(k, done[k], done[k] + 1))
            done[k] += 1
        return Course(tuple(steps), {b: found.heights[b] for b in self.rings(i, j)})

    def _rows_until(self, j: int) -> _Rowing:
        longest = self._longest[j]
        assert longest is not None
        return longest.rowing

    def rows(self, i: int, j: int) -> int:
        """How many rows a stage [i, j) runs one by one."""
        return 0 if j - i == 1 else self._rows_until(j).steps_from[i]

    def waiting(self, writer: int, reader: int, slot: int, i: int, j: int) -> Array:
        """The first row of an input that a reader still needs at each row of a writer.

        Both are in [i, j); what is as large as there are rows says that it needs no more.
        """
        flow_ = self.flow_of(reader)
        if j - i == 1:
            return flow_.lows(slot)[:-1]
        found = self._rows_until(j)
        key = (writer, reader, slot)
        if key not in found.waiting:
            reads = found.callers == reader
            done = np.cumsum(reads) - reads
            found.waiting[key] = flow_.lows(slot)[done[found.callers == writer]]
        return found.waiting[key]

    def rings(self, i: int, j: int) -> set[int]:
        """Buffers that are rings in a stage [i, j)."""
        if j - i == 1:
            return set()
        return {b for b in self._rows_until(j).heights if self.writers[b][0] >= i}

    def peak(self, i: int, j: int) -> int:
        """Bytes that live at once in a stage [i, j), where no output overlaps an input."""
        longest = self._longest[j]
        if j - i == 1 or longest is None:
            return int(self._around[j][i])
        return longest.peaks[i - longest.first]
