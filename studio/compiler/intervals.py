"""What calls [i, j) would take if they ran row by row, for all i and j.

Whoever comes before them, calls [i, j) run in the same order of rows: a row is pulled by those
who read it. So one course for each j, as far back as rows flow, tells of all i: what its first
calls add can be left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.compiler import rings
from studio.compiler.arena import aligned
from studio.compiler.program import Buffer, KernelCall, Step
from studio.compiler.rows import Course, Flow, course, flow

Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Longest:
    """The longest stage that ends before a call.

    Attributes:
        first: its first call.
        course: how rows flow through it.
        callers: the call of each step.
        peaks: for its calls but the last, the bytes of rings at the worst moment of a stage that
            begins there.
    """

    first: int
    course: Course
    callers: Array
    peaks: tuple[int, ...]


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
        self.readers: list[list[int]] = [[] for _ in buffers]
        self.writers: list[list[int]] = [[] for _ in buffers]
        for i, call in enumerate(calls):
            for source in call.inputs:
                if isinstance(source, int):
                    self.readers[source].append(i)
            for target in (*call.outputs, *([] if call.scratch is None else [call.scratch])):
                self.writers[target].append(i)
        sizes = [aligned(buffer.size_bytes) for buffer in buffers]
        self.sizes = np.array(sizes, np.int64)
        self._births = np.array([self._birth(b) for b in range(len(buffers))])
        self._deaths = np.array([self._death(b) for b in range(len(buffers))])
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

    def _inside(self, b: int, i: int, j: int) -> bool:
        """True where a buffer is written and read within [i, j) only."""
        return (
            self.buffers[b].role in ("activation", "input")
            and bool(self.writers[b])
            and bool(self.readers[b])
            and all(i <= k < j for k in (*self.writers[b], *self.readers[b]))
        )

    def flow_of(self, k: int) -> Flow:
        """How rows go through a call of a stage."""
        found = self.flows[k]
        assert found is not None
        return found

    # ---- the longest stages ---------------------------------------------------------------

    def _find(self, j: int) -> _Longest | None:
        """The longest stage before call j, and the rings of all shorter ones."""
        first = j
        while first > max(0, j - self.most_calls) and self._joins(first - 1, j):
            first -= 1
        if j - first < 2:
            return None
        inner = frozenset(
            b for b in {self.calls[k].outputs[0] for k in range(first, j)}
            if self._inside(b, first, j)
        )  # fmt: skip
        flows = {k: self.flow_of(k) for k in range(first, j)}
        found = course(range(first, j), self.calls, flows, inner)
        callers = np.array([step.call for step in found.steps])
        unused = set(range(first, j)) - set(callers.tolist())  # nobody reads a row of them
        used = max([first, *(k + 1 for k in unused)])
        peaks = self._peaks(found, callers, used, j)
        return _Longest(used, found, callers, tuple(peaks))

    def _joins(self, i: int, j: int) -> bool:
        """True where call i can run row by row before calls (i, j)."""
        if self.flows[i] is None:
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

    def _peaks(self, found: Course, callers: Array, first: int, j: int) -> list[int]:
        """For each i the most bytes of rings that live at once in a stage [i, j)."""
        lives = rings.spans(
            found.steps, self.calls, frozenset(found.heights), dict(enumerate(self.flows))
        )
        taken: Array = np.zeros(len(callers), np.int64)
        peaks = []
        for i in range(j - 1, first - 1, -1):
            ring = self.calls[i].outputs[0]
            if ring in lives:
                size = self.ring_bytes(found, ring)
                for begin, end in lives[ring]:
                    taken[begin : end + 1] += size
            peaks.append(int(taken[callers >= i].max(initial=0)))
        return peaks[::-1]

    def ring_bytes(self, found: Course, buffer: int) -> int:
        """What a ring takes with its padding."""
        whole = self.buffers[buffer]
        return aligned(whole.tensor_bytes // whole.shape[0] * found.heights[buffer])

    # ---- answers --------------------------------------------------------------------------

    def begins(self, j: int) -> range:
        """Where stages of several calls that end before call j may begin."""
        longest = self._longest[j]
        return range(j, j) if longest is None else range(longest.first, j - 1)

    def course(self, i: int, j: int) -> Course:
        """How rows flow through a stage [i, j)."""
        if j - i == 1:
            return Course((Step(i, 0, self.calls[i].rows or 1),), {})
        longest = self._longest[j]
        assert longest is not None
        steps = tuple(step for step in longest.course.steps if step.call >= i)
        heights = {b: rows for b, rows in longest.course.heights.items() if self.writers[b][0] >= i}
        return Course(steps, heights)

    def rows(self, i: int, j: int) -> int:
        """How many steps a stage [i, j) takes."""
        longest = self._longest[j]
        return 1 if longest is None or j - i == 1 else int((longest.callers >= i).sum())

    def callers(self, i: int, j: int) -> Array:
        """The call of each row in turn, for a stage [i, j); of one call alone, too."""
        if j - i == 1:
            return np.full(self.flow_of(i).height, i)
        longest = self._longest[j]
        assert longest is not None
        return longest.callers[longest.callers >= i]

    def rings(self, i: int, j: int) -> set[int]:
        """Buffers that are rings in a stage [i, j)."""
        longest = self._longest[j]
        if j - i == 1 or longest is None:
            return set()
        return {b for b in longest.course.heights if self.writers[b][0] >= i}

    def peak(self, i: int, j: int) -> int:
        """Bytes that live at once in a stage [i, j), where no output overlaps an input."""
        around = (self._births < j) & (self._deaths >= i)
        longest = self._longest[j]
        if j - i == 1 or longest is None:
            return int(self.sizes[around].sum())
        for b in longest.course.heights:
            around[b] &= self.writers[b][0] < i
        return int(self.sizes[around].sum()) + longest.peaks[i - longest.first]
