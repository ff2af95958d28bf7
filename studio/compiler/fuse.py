"""Which calls run together row by row, and what the arena takes then.

Calls in execution order are cut into stages. A stage of one call runs as a whole; a stage
of several runs row by row (see `rows`), so that only rings of rows lie between its calls.
Where a stage reads a tensor for the last time, its output may begin inside that tensor's
memory, as far behind the rows still to be read as they allow (vMCU, arXiv 2406.06542, calls
this segment overlap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from studio.compiler import arena
from studio.compiler.arena import Placement, aligned, moments
from studio.compiler.kernel import kernels
from studio.compiler.kernels.cumsum2d import sums_window
from studio.compiler.kernels.scale2d_s32_s8 import last_row
from studio.compiler.program import Buffer, KernelCall, Program, Step
from studio.compiler.rows import Course, Flow, course, flow, row_call

OVERLAP_TRIES = 400  # of each candidate; with overlaps the least is not known for sure
LONGEST = 24  # calls in one stage; more of them save nothing on the nets that were tried
INTERVALS = 1500  # stages to weigh: long nets get shorter ones, so that the search stays short


@dataclass(frozen=True)
class Layout:
    """Buffers, calls and stages that belong together, and where the buffers lie."""

    buffers: tuple[Buffer, ...]
    calls: tuple[KernelCall, ...]
    stages: tuple[tuple[Step, ...], ...]
    placement: Placement


def layerwise(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """Every call as a whole, every tensor whole, nothing in place."""
    stages = tuple(whole(i, call) for i, call in enumerate(calls))
    return _laid_out(tuple(buffers), tuple(calls), stages)


def smallest(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """The stages whose arena is least; among equals those that fuse fewest calls."""
    plain = _Fusing(tuple(buffers), tuple(calls))
    by_rows = _Fusing(*means_by_rows(buffers, calls))
    candidates = [f.layout(cuts) for f in (plain, by_rows) for cuts in f.partitions()]
    return min(candidates, key=lambda layout: (layout.placement.arena_bytes, len(layout.calls)))


def means_by_rows(
    buffers: Sequence[Buffer], calls: Sequence[KernelCall]
) -> tuple[tuple[Buffer, ...], tuple[KernelCall, ...]]:
    """Every mean over a whole image in two parts, so that it can take rows as they come."""
    made, kept = list(buffers), []
    for call in calls:
        source = call.inputs[0]
        image = buffers[source] if isinstance(source, int) else None
        if "tms_mean_" not in call.kernel or image is None or len(image.shape) != 3:
            kept.append(call)
            continue
        height, width, channels = image.shape
        if (height * width, channels) != (call.params["rows"], call.params["channels"]):
            kept.append(call)
            continue
        integer = image.dtype == "int8"
        dtype = "int32" if integer else "float32"
        made.append(Buffer(f"{call.layer} sums", (height, 1, channels), dtype))
        sums = len(made) - 1
        kernel = f"tms_cumsum2d_{'s8' if integer else 'f32'}"
        fields = sums_window(height, width, channels)
        kept.append(KernelCall(call.layer, kernel, call.inputs, (sums,), fields, 0, None, height))
        kept.append(_scaling(call, sums, height, integer))
    return tuple(made), tuple(kept)


def _scaling(call: KernelCall, sums: int, height: int, integer: bool) -> KernelCall:
    """The second part of a mean: the last row of sums, rescaled."""
    p = call.params
    params: dict[str, Any] = dict(last_row(height, int(p["channels"])))
    if integer:
        kernel = "tms_scale2d_s32_s8" + ("_dr" if call.kernel.endswith("_dr") else "")
        params |= {
            key: p[key] for key in ("out_offset", "act_min", "act_max", "multiplier", "shift")
        }
        params["bias"] = int(p["rows"]) * int(p["in_offset"])
    else:
        kernel = "tms_scale2d_f32"
        params["factor"] = float(np.float32(1) / np.float32(p["rows"]))
    return KernelCall(call.layer, kernel, (sums,), call.outputs, params, 0, None, 1)


def whole(index: int, call: KernelCall) -> tuple[Step, ...]:
    """The stage that runs one call as a whole."""
    return (Step(index, 0, call.rows or 1),)


class _Fusing:
    """The search for stages of one Program."""

    def __init__(self, buffers: tuple[Buffer, ...], calls: tuple[KernelCall, ...]) -> None:
        self.buffers, self.calls = buffers, calls
        self.flows = [flow(call, buffers) for call in calls]
        self.readers: list[list[int]] = [[] for _ in buffers]
        self.writers: list[list[int]] = [[] for _ in buffers]
        for i, call in enumerate(calls):
            for source in call.inputs:
                if isinstance(source, int):
                    self.readers[source].append(i)
            for target in (*call.outputs, *([] if call.scratch is None else [call.scratch])):
                self.writers[target].append(i)
        self._stage = cache(self._stage_uncached)
        self.longest = max(4, min(LONGEST, INTERVALS // max(len(calls), 1)))

    def partitions(self) -> list[list[tuple[int, int]]]:
        """Ways to cut the calls into stages [i, j): the least peak, and a few near it."""
        n = len(self.calls)
        costs = {
            (i, j): peak
            for i in range(n)
            for j in range(i + 1, min(i + self.longest, n) + 1)
            if (peak := self.peak(i, j)) is not None
        }
        least = self._minimax(costs)
        bounds = sorted({peak for peak in costs.values() if least <= peak <= 1.05 * least})
        return [self._fewest(costs, limit) for limit in [least, *bounds[1:4]]]

    def _minimax(self, costs: dict[tuple[int, int], int]) -> int:
        n = len(self.calls)
        best = [0] + [1 << 62] * n
        for j in range(1, n + 1):
            for i in range(max(0, j - self.longest), j):
                if (i, j) in costs:
                    best[j] = min(best[j], max(best[i], costs[i, j]))
        return best[n]

    def _fewest(self, costs: dict[tuple[int, int], int], limit: int) -> list[tuple[int, int]]:
        """Stages within the limit that run fewest rows one by one."""
        n = len(self.calls)
        best: list[tuple[int, list[tuple[int, int]]] | None] = [(0, []), *([None] * n)]
        for j in range(1, n + 1):
            for i in range(max(0, j - self.longest), j):
                before = best[i]
                if before is None or costs.get((i, j), 1 << 62) > limit:
                    continue
                effort = before[0] + (len(self._stage(i, j).steps) if j - i > 1 else 0)
                known = best[j]
                if known is None or effort < known[0]:
                    best[j] = (effort, [*before[1], (i, j)])
        found = best[n]
        assert found is not None
        return found[1]

    # ---- one stage ------------------------------------------------------------------------

    def inner(self, i: int, j: int) -> frozenset[int]:
        """Buffers that are written and read within [i, j) only."""
        return frozenset(
            b
            for b, buffer in enumerate(self.buffers)
            if buffer.role == "activation"
            and self.writers[b]
            and self.readers[b]
            and all(i <= k < j for k in (*self.writers[b], *self.readers[b]))
        )

    def fuses(self, i: int, j: int) -> bool:
        """True where the calls [i, j) can run row by row."""
        if any(self.flows[k] is None for k in range(i, j)):
            return False
        for b in self.inner(i, j):
            if len(self.writers[b]) != 1:
                return False
            writer = self._flow(self.writers[b][0])
            for k in self.readers[b]:
                for slot, source in enumerate(self.calls[k].inputs):
                    reader = self._flow(k)
                    if source == b and (
                        reader.in_row_bytes[slot] != writer.out_row_bytes
                        or reader.windows[slot][3] != writer.height
                    ):
                        return False
        last_writers = [k for k in range(i, j) if self.calls[k].outputs[0] not in self.inner(i, j)]
        # Tensors that leave the stage are whole and must not be read in it before they are done.
        return all(
            not any(i <= r < j for r in self.readers[self.calls[k].outputs[0]])
            for k in last_writers
        )

    def _flow(self, k: int) -> Flow:
        found = self.flows[k]
        assert found is not None
        return found

    def _stage_uncached(self, i: int, j: int) -> Course:
        if j - i == 1:
            return Course(whole(i, self.calls[i]), {})
        flows = {k: self._flow(k) for k in range(i, j)}
        return course(range(i, j), self.calls, flows, self.inner(i, j))

    def peak(self, i: int, j: int) -> int | None:
        """Bytes that live at once in a stage [i, j); None where it cannot be one."""
        if j - i > 1 and not self.fuses(i, j):
            return None
        stage = self._stage(i, j)
        if len({step.call for step in stage.steps}) < j - i:
            return None  # a call of which nobody reads a row
        rings = {b: self._ring_bytes(b, rows) for b, rows in stage.heights.items()}
        lives = _ring_lives(self, stage, range(i, j))
        most = max(
            (sum(rings[b] for b, life in lives.items() if life >> at & 1))
            for at in range(len(stage.steps))
        )
        around = [b for b in range(len(self.buffers)) if self._passes(b, i, j) and b not in rings]
        total = most + sum(aligned(self.buffers[b].size_bytes) for b in around)
        return total - self._saved(i, j, stage)

    def _ring_bytes(self, buffer: int, rows: int) -> int:
        whole = self.buffers[buffer]
        return aligned(whole.tensor_bytes // whole.shape[0] * rows)

    def _passes(self, b: int, i: int, j: int) -> bool:
        """True where a buffer lives at some time in [i, j)."""
        role = self.buffers[b].role
        first = 0 if role in ("input", "state") else min(self.writers[b], default=0)
        last = max(self.readers[b], default=first)
        if role in ("output", "state"):
            last = len(self.calls)
        return first < j and last >= i

    def _saved(self, i: int, j: int, stage: Course) -> int:
        """Bytes that the best overlap of an output with a dying input saves."""
        best = 0
        for (out, source), below in self.overlaps(i, j, stage).items():
            above, under = (aligned(self.buffers[b].size_bytes) for b in (out, source))
            together = max(above, below + under) - min(0, below)
            best = max(best, above + under - together)
        return best

    def overlaps(self, i: int, j: int, stage: Course) -> dict[tuple[int, int], int]:
        """(output, dying input) -> bytes that the output must begin below the input."""
        found = {}
        for k in range(i, j):
            out = self.calls[k].outputs[0]
            if out in stage.heights or len(self.writers[out]) != 1 or self._lasts(out):
                continue
            for source in {s for c in range(i, j) for s in self.calls[c].inputs}:
                if not isinstance(source, int) or source in stage.heights or source == out:
                    continue
                if max(self.readers[source]) >= j or self._lasts(source):
                    continue
                if self.buffers[source].role == "output":
                    continue
                below = self._below(i, j, stage, k, source)
                if below is not None and below < aligned(self.buffers[out].size_bytes):
                    found[out, source] = below
        return found

    def _lasts(self, b: int) -> bool:
        """True where a buffer's bytes are needed before its writer and after its readers."""
        return self.buffers[b].role == "state"

    def _below(self, i: int, j: int, stage: Course, writer: int, source: int) -> int | None:
        """How far `writer`'s output must begin below `source` so that rows die before they go."""
        reading = [
            (k, slot)
            for k in range(i, j)
            for slot, s in enumerate(self.calls[k].inputs)
            if s == source
        ]
        if j - i == 1 and self.flows[writer] is None:
            # A whole call that reads each element before it writes the same one.
            kernel = kernels()[self.calls[writer].kernel]
            same = (
                self.buffers[source].size_bytes
                == self.buffers[self.calls[writer].outputs[0]].size_bytes
            )
            first = self.calls[writer].inputs[0] == source
            return 0 if kernel.in_place and same and first and len(reading) == 1 else None
        out_row_bytes = self._flow(writer).out_row_bytes
        steps = (
            stage.steps
            if j - i > 1
            else tuple(Step(i, y, y + 1) for y in range(self._flow(i).height))
        )
        done = dict.fromkeys(range(i, j), 0)
        worst = -(1 << 62)
        for step in steps:
            # Rows that this step and all later ones read.
            low = min(
                self._flow(k).need(slot, done[k])[0] * self._flow(k).in_row_bytes[slot]
                if done[k] < self._flow(k).height
                else self.buffers[source].size_bytes
                for k, slot in reading
            )
            if step.call == writer:
                worst = max(worst, step.y1 * out_row_bytes - low)
            done[step.call] += 1
        return -(-worst // arena.ALIGN_BYTES) * arena.ALIGN_BYTES

    # ---- the result -----------------------------------------------------------------------

    def layout(self, cuts: list[tuple[int, int]]) -> Layout:
        """Buffers, calls and stages of a partition, placed."""
        buffers, calls = list(self.buffers), list(self.calls)
        stages = []
        overlaps: dict[tuple[int, int], int] = {}
        for i, j in cuts:
            stage = self._stage(i, j)
            stages.append(stage.steps)
            overlaps |= self.overlaps(i, j, stage)
            for b, rows in stage.heights.items():
                buffers[b] = replace(buffers[b], rows=rows if rows < buffers[b].shape[0] else 0)
            for k in range(i, j) if j - i > 1 else ():
                calls[k] = row_call(calls[k], self._flow(k))
        peak = max(self.peak(i, j) or 0 for i, j in cuts)
        return _laid_out(tuple(buffers), tuple(calls), tuple(stages), overlaps, peak)


def _ring_lives(fusing: _Fusing, stage: Course, indices: range) -> dict[int, int]:
    """For each ring the steps of the stage at which it holds a row that is still needed."""
    inner = frozenset(stage.heights)
    return _step_lives(stage.steps, fusing.calls, inner, dict(enumerate(fusing.flows)))


def _step_lives(
    steps: Sequence[Step],
    calls: Sequence[KernelCall],
    rings: frozenset[int],
    flows: dict[int, Flow | None],
) -> dict[int, int]:
    """Sets of moments (places in `steps`) at which rings hold rows that are still needed."""
    writer = {calls[step.call].outputs[0]: step.call for step in steps}
    readers: dict[int, set[tuple[int, int]]] = {b: set() for b in rings}
    for step in steps:
        for slot, source in enumerate(calls[step.call].inputs):
            if source in rings:
                readers[source].add((step.call, slot))
    done = {step.call: 0 for step in steps}
    lives = dict.fromkeys(rings, 0)
    for at, step in enumerate(steps):
        before = {b: _holds(b, calls, writer, readers, done, flows) for b in rings}
        done[step.call] += 1
        for b in rings:
            touched = b in (calls[step.call].outputs[0], *calls[step.call].inputs)
            if touched or (before[b] and _holds(b, calls, writer, readers, done, flows)):
                lives[b] |= 1 << at
    return lives


def _holds(
    b: int,
    calls: Sequence[KernelCall],
    writer: dict[int, int],
    readers: dict[int, set[tuple[int, int]]],
    done: dict[int, int],
    flows: dict[int, Flow | None],
) -> bool:
    """True where a ring has a row that somebody will still read."""
    written = done[writer[b]]
    if kernels()[calls[writer[b]].kernel].carries and written:
        return any(not done[k] for k, _ in readers[b])
    for k, slot in readers[b]:
        rows = flows[k]
        assert rows is not None
        if done[k] < rows.height and rows.need(slot, done[k])[0] < written:
            return True
    return False


def _laid_out(
    buffers: tuple[Buffer, ...],
    calls: tuple[KernelCall, ...],
    stages: tuple[tuple[Step, ...], ...],
    overlaps: dict[tuple[int, int], int] | None = None,
    target: int = 0,
) -> Layout:
    sizes = [aligned(buffer.size_bytes) for buffer in buffers]
    lives = lifetimes(buffers, calls, stages)
    tries = OVERLAP_TRIES if overlaps else arena.TRIES
    placement = arena.place(sizes, lives, overlaps, target, tries)
    return Layout(buffers, calls, stages, placement)


def lifetimes(
    buffers: Sequence[Buffer],
    calls: Sequence[KernelCall],
    stages: Sequence[Sequence[Step]],
) -> list[int]:
    """For each buffer the set of moments (steps of the schedule) at which it lives.

    Whole tensors live from the first step that touches them to the last; inputs from the
    start, outputs to the end, state always; rings while they hold a row that is needed.
    """
    total = sum(len(stage) for stage in stages)
    spans: list[list[int]] = [[] for _ in buffers]
    lives = [0] * len(buffers)
    start = 0
    for stage in stages:
        touched = {
            b
            for step in stage
            for b in (*calls[step.call].inputs, *calls[step.call].outputs, calls[step.call].scratch)
            if isinstance(b, int)
        }
        rings = frozenset(b for b in touched if buffers[b].rows)
        if rings:
            flows = {step.call: flow(calls[step.call], buffers) for step in stage}
            for b, life in _step_lives(stage, calls, rings, flows).items():
                lives[b] = life << start
        for at, step in enumerate(stage, start):
            call = calls[step.call]
            for used in (*call.inputs, *call.outputs, call.scratch):
                if isinstance(used, int):
                    spans[used].append(at)
        start += len(stage)
    for b, buffer in enumerate(buffers):
        if buffer.rows:
            continue
        first = min(spans[b], default=0) if buffer.role not in ("input", "state") else 0
        last = max(spans[b], default=first)
        lives[b] = moments(first, total if buffer.role in ("output", "state") else last)
    return lives


def call_spans(program: Program) -> list[tuple[int, int]]:
    """For each buffer the first and the last call that touches it, for people."""
    last_call = max(len(program.calls) - 1, 0)
    touched: list[list[int]] = [[] for _ in program.buffers]
    for index, call in enumerate(program.calls):
        for slot in (*call.inputs, *call.outputs, call.scratch):
            if isinstance(slot, int):
                touched[slot].append(index)
    return [
        (
            0 if buffer.role in ("input", "state") else min(touched[b], default=0),
            last_call if buffer.role in ("output", "state") else max(touched[b], default=0),
        )
        for b, buffer in enumerate(program.buffers)
    ]
