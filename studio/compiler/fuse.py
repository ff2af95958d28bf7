"""Which calls run together row by row, and what the arena takes then.

Calls in execution order are cut into stages. A stage of one call runs as a whole; a stage
of several runs row by row (see `rows`), so that only rings of rows lie between its calls.
Where a stage reads a tensor for the last time, its output may begin inside that tensor's
memory, as far behind the rows still to be read as they allow (vMCU, arXiv 2406.06542, calls
this segment overlap).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from studio.compiler import arena
from studio.compiler.arena import Placement, aligned, moments
from studio.compiler.intervals import Intervals
from studio.compiler.kernel import kernel_of
from studio.compiler.kernels.cumsum2d import sums_window
from studio.compiler.kernels.scale2d_s32_s8 import last_row
from studio.compiler.program import Buffer, KernelCall, Program, Step
from studio.compiler.rings import spans
from studio.compiler.rows import flow, row_call

OVERLAP_TRIES = 100  # of each candidate; with overlaps the least is not known for sure
LONGEST = 24  # calls in one stage; more of them save nothing on the nets that were tried
NEAR, CUTS = 1.05, 4  # cuts are tried up to so many times the least peak, and so many
MORE_INSTRUCTIONS = 0.05  # share that plan `balanced` may add
# Rough, on the safe side: at least so many for the work, at most so many for a row by itself.
MAC_INSTRUCTIONS, ELEMENT_INSTRUCTIONS, ROW_INSTRUCTIONS = 3, 5, 220
INTERVALS = 1500  # stages to weigh: long nets get shorter ones, so that the search stays short

Cut = tuple[int, int]  # calls [i, j)
Option = tuple[int, int, int, int]  # calls [i, j), their peak, rows that run one by one


@dataclass(frozen=True)
class Layout:
    """Buffers, calls and stages that belong together, and where the buffers lie."""

    buffers: tuple[Buffer, ...]
    calls: tuple[KernelCall, ...]
    stages: tuple[tuple[Step, ...], ...]
    placement: Placement
    overlaps: Mapping[tuple[int, int], int]


def layerwise(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """Every call as a whole, every tensor whole, nothing in place."""
    stages = tuple(whole(i, call) for i, call in enumerate(calls))
    return _laid_out(tuple(buffers), tuple(calls), stages)


def overlapped(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """Every call as a whole; spatial ones write over inputs that die, where rows allow it.

    That costs nothing. An elementwise call in place would: its loop is no longer unrolled.
    """
    fusing = _Fusing(tuple(buffers), tuple(calls), longest=1)
    return fusing.layout([(i, i + 1) for i in range(len(calls))], elementwise=False)


def balanced(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """The smallest arena among stages that add few instructions to those of whole calls."""
    elements = sum(math.prod(buffers[b].shape) for call in calls for b in call.outputs)
    least = MAC_INSTRUCTIONS * sum(call.macs for call in calls) + ELEMENT_INSTRUCTIONS * elements
    return smallest(buffers, calls, int(MORE_INSTRUCTIONS * least / ROW_INSTRUCTIONS))


def smallest(
    buffers: Sequence[Buffer], calls: Sequence[KernelCall], most_rows: int = 1 << 62
) -> Layout:
    """The stages whose arena is least; among equals those that fuse fewest calls.

    Args:
        buffers: all of them.
        calls: in order.
        most_rows: how many rows may be run one by one.
    """
    ways = [_Fusing(tuple(buffers), tuple(calls))]
    split = means_by_rows(buffers, calls)
    if len(split[1]) > len(calls):
        ways.append(_Fusing(*split, ways[0]))
    best = None
    for way in ways:
        for peak, cuts in way.partitions(most_rows):
            if best is None or peak < best.placement.arena_bytes:
                found = way.layout(cuts)
                if best is None or found.placement.arena_bytes < best.placement.arena_bytes:
                    best = found
    assert best is not None
    return best


def means_by_rows(
    buffers: Sequence[Buffer], calls: Sequence[KernelCall]
) -> tuple[tuple[Buffer, ...], tuple[KernelCall, ...]]:
    """Every mean over a whole image in two parts, so that it can take rows as they come."""
    made, kept = list(buffers), []
    for call in calls:
        source = call.inputs[0] if "tms_mean_" in call.kernel else None
        image = buffers[source] if isinstance(source, int) else None
        if image is None or len(image.shape) != 3 or image.dtype == "int16":
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

    def __init__(
        self,
        buffers: tuple[Buffer, ...],
        calls: tuple[KernelCall, ...],
        before: _Fusing | None = None,
        longest: int = 0,
    ) -> None:
        self.buffers, self.calls = buffers, calls
        longest = longest or max(4, min(LONGEST, INTERVALS // max(len(calls), 1)))
        alike = 0  # calls that both have in front
        if before is not None:
            pairs = enumerate(zip(before.calls, calls, strict=False))
            alike = next(at for at, (a, b) in pairs if a is not b)
        known = before.intervals if before is not None else None
        self.intervals: Intervals = Intervals(buffers, calls, longest, known, alike)
        self.readers, self.writers = self.intervals.readers, self.intervals.writers
        self.peaks: dict[Cut, int] = {
            (i, j): before.peaks[i, j] if before is not None and j <= alike else self.peak(i, j)
            for j in range(1, len(calls) + 1)
            for i in (*self.intervals.begins(j), j - 1)
        }

    def partitions(self, most_rows: int) -> list[tuple[int, list[Cut]]]:
        """Ways to cut the calls into stages [i, j), with their peak: the least, and a few near it.

        Overlaps of calls in a row may be at odds, so that their peaks are never met; so the best
        cut in which no call alone overlaps its input is there, too.
        """
        alone = {
            (i, j): peak if j - i > 1 else self.intervals.peak(i, j)
            for (i, j), peak in self.peaks.items()
        }
        found = self._near(alone, most_rows, 1) + self._near(self.peaks, most_rows, CUTS)
        return sorted(found)

    def _near(
        self, peaks: Mapping[Cut, int], most_rows: int, cuts: int
    ) -> list[tuple[int, list[Cut]]]:
        """The cut whose peak is least within a number of rows, and those near it."""
        options = [(i, j, peak, self.intervals.rows(i, j)) for (i, j), peak in peaks.items()]
        least = self._minimax(peaks)
        limits = sorted({peak for peak in peaks.values() if peak >= least})
        first = 0
        if self._fewest(options, least)[0] > most_rows:
            first = bisect_left(
                limits, True, key=lambda limit: self._fewest(options, limit)[0] <= most_rows
            )
        near = [limit for limit in limits[first:][:cuts] if limit <= NEAR * limits[first]]
        return [(limit, self._fewest(options, limit)[1]) for limit in near]

    def _minimax(self, peaks: Mapping[Cut, int]) -> int:
        best = [0] + [1 << 62] * len(self.calls)
        for (i, j), peak in peaks.items():  # in the order of j
            best[j] = min(best[j], max(best[i], peak))
        return best[-1]

    def _fewest(self, options: Sequence[Option], limit: int) -> tuple[float, list[Cut]]:
        """Stages within the limit that run fewest rows one by one, and how many."""
        effort, before = [0.0] + [math.inf] * len(self.calls), [0] * (len(self.calls) + 1)
        for i, j, peak, rows in options:
            if peak <= limit and effort[i] + rows < effort[j]:
                effort[j], before[j] = effort[i] + rows, i
        cuts, end = [], len(self.calls)
        while end:
            cuts.append((before[end], end))
            end = before[end]
        return effort[-1], cuts[::-1]

    # ---- one stage ------------------------------------------------------------------------

    def peak(self, i: int, j: int) -> int:
        """Bytes that live at once in a stage [i, j), as far as one overlap can lower them."""
        best = 0
        for (out, source), below in self.overlaps(i, j).items():
            above, under = (aligned(self.buffers[b].size_bytes) for b in (out, source))
            together = max(above, below + under) - min(0, below)
            best = max(best, above + under - together)
        return self.intervals.peak(i, j) - best

    def overlaps(self, i: int, j: int) -> dict[tuple[int, int], int]:
        """(output, dying input) -> bytes that the output must begin below the input."""
        found = {}
        rings = self.intervals.rings(i, j)
        dying = [
            source
            for source in {s for c in range(i, j) for s in self.calls[c].inputs}
            if isinstance(source, int)
            and source not in rings
            and max(self.readers[source]) < j
            and self.buffers[source].role not in ("output", "state")
        ]
        for k in range(i, j) if dying else ():
            out = self.calls[k].outputs[0]
            if out in rings or len(self.writers[out]) != 1 or self.buffers[out].role == "state":
                continue
            for source in dying:
                below = self._below(i, j, k, source) if source != out else None
                if below is not None and below < aligned(self.buffers[out].size_bytes):
                    found[out, source] = below
        return found

    def _below(self, i: int, j: int, writer: int, source: int) -> int | None:
        """How far `writer`'s output must begin below `source` so that rows die before they go."""
        reading = [(k, slot) for k, slot in self.intervals.reads[source] if i <= k < j]
        if self.intervals.flows[writer] is None:
            # A whole call that reads each element before it writes the same one.
            out = self.buffers[self.calls[writer].outputs[0]]
            same = self.buffers[source].size_bytes == out.size_bytes
            first = self.calls[writer].inputs[0] == source
            in_place = kernel_of(self.calls[writer]).in_place
            return 0 if in_place and same and first and len(reading) == 1 else None
        rows = self.intervals.flow_of(writer)
        written = np.arange(1, rows.height + 1) * rows.out_row_bytes
        unread = [
            self.intervals.waiting(writer, k, slot, i, j)
            * self.intervals.flow_of(k).in_row_bytes[slot]
            for k, slot in reading
        ]
        worst = int((written - reduce(np.minimum, unread)).max())
        return -(-worst // arena.ALIGN_BYTES) * arena.ALIGN_BYTES

    # ---- the result -----------------------------------------------------------------------

    def layout(self, cuts: list[Cut], elementwise: bool = True) -> Layout:
        """Buffers, calls and stages of a partition, placed; elementwise calls in place or not."""
        buffers, calls = list(self.buffers), list(self.calls)
        stages = []
        overlaps: dict[tuple[int, int], int] = {}
        for i, j in cuts:
            stage = self.intervals.course(i, j)
            stages.append(stage.steps)
            if elementwise or kernel_of(calls[i]).window:
                overlaps |= self.overlaps(i, j)
            for b, rows in stage.heights.items():
                buffers[b] = replace(buffers[b], rows=rows if rows < buffers[b].shape[0] else 0)
            for k in range(i, j) if j - i > 1 else ():
                calls[k] = row_call(calls[k], self.intervals.flow_of(k))
        peak = max(self.peaks[cut] for cut in cuts)
        return _laid_out(tuple(buffers), tuple(calls), tuple(stages), overlaps, peak)


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
    return Layout(buffers, calls, stages, placement, overlaps or {})


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
    touches: list[list[int]] = [[] for _ in buffers]
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
            flows = {k: flow(calls[k], buffers) for k in {step.call for step in stage}}
            for b, held in spans(stage, calls, rings, flows).items():
                lives[b] = sum(moments(start + begin, start + end) for begin, end in held)
        for at, step in enumerate(stage, start):
            call = calls[step.call]
            for used in (*call.inputs, *call.outputs, call.scratch):
                if isinstance(used, int):
                    touches[used].append(at)
        start += len(stage)
    for b, buffer in enumerate(buffers):
        if buffer.rows:
            continue
        first = min(touches[b], default=0) if buffer.role not in ("input", "state") else 0
        last = max(touches[b], default=first)
        lives[b] = moments(first, total if buffer.role in ("output", "state") else last)
    return lives


def call_spans(program: Program) -> list[Cut]:
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
