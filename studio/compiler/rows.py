"""Which rows a kernel call reads for the rows that it writes, and in what order rows flow.

A group of calls runs row by row: each output row of the last call pulls the rows that it
needs through those before it. What lies between two calls of a group is then a ring of the
few rows that somebody still needs, not a whole tensor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import kernel_of
from studio.compiler.program import ROW_SOURCE, Buffer, KernelCall, Step

Need = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """How rows go through one call.

    Attributes:
        height: how many steps it takes: rows of the output.
        out_row_bytes: of the output.
        in_row_bytes: of each input; 0 for constants.
        windows: (stride, pad, reach, rows) of each input: step y needs the rows from
            y * stride - pad, `reach` of them, as far as they lie in 0 to `rows`.
    """

    height: int
    out_row_bytes: int
    in_row_bytes: tuple[int, ...]
    windows: tuple[tuple[int, int, int, int], ...]

    def need(self, slot: int, step: int) -> Need:
        """The input rows [lo, hi) that a step reads."""
        return self.needs(slot)[step]

    def needs(self, slot: int) -> tuple[Need, ...]:
        """The input rows of every step."""
        return _needs(self.height, self.windows[slot])

    def lows(self, slot: int) -> npt.NDArray[np.int64]:
        """The first input row of every step, and behind them how many rows there are."""
        return _lows(self.height, self.windows[slot])


@lru_cache(maxsize=4096)
def _needs(height: int, window: tuple[int, int, int, int]) -> tuple[Need, ...]:
    stride, pad, reach, rows = window
    return tuple(
        (min(max(first, 0), rows), max(min(first + reach, rows), 0))
        for first in range(-pad, height * stride - pad, stride)
    )


@lru_cache(maxsize=4096)
def _lows(height: int, window: tuple[int, int, int, int]) -> npt.NDArray[np.int64]:
    lows = np.array([*(low for low, _ in _needs(height, window)), window[3]])
    lows.flags.writeable = False
    return lows


def flow(call: KernelCall, buffers: Sequence[Buffer]) -> Flow | None:
    """How rows go through a call; None where it runs only as a whole."""
    if call.kernel == ROW_SOURCE:
        image = buffers[call.outputs[0]]
        return Flow(image.shape[0], image.tensor_bytes // image.shape[0], (), ())
    kernel = kernel_of(call)
    if kernel.upsampling:
        return None
    if kernel.window:
        return _window_flow(call, buffers)
    if kernel.elementwise:
        return _elementwise_flow(call, buffers)
    return None


def _window_flow(call: KernelCall, buffers: Sequence[Buffer]) -> Flow:
    p = {key: int(value) for key, value in call.params.items() if isinstance(value, int)}
    source, target = call.inputs[0], call.outputs[0]
    assert isinstance(source, int)
    reach = (p["kernel_h"] - 1) * p["dilation_h"] + 1
    return Flow(
        p["out_h"],
        p["out_w"] * p["out_c"] * _width(buffers[target]),
        (p["in_w"] * p["in_c"] * _width(buffers[source]),),
        ((p["stride_h"], p["pad_top"], reach, p["in_h"]),),
    )


def _elementwise_flow(call: KernelCall, buffers: Sequence[Buffer]) -> Flow | None:
    out = buffers[call.outputs[0]]
    if len(out.shape) != 3 or out.shape[0] < 2:
        return None
    height = out.shape[0]
    if not call.rows and "shape" in call.params and not _rows_alike(call, height):
        return None
    inputs = [None if isinstance(i, str) else buffers[i] for i in call.inputs]
    if any(b is not None and math.prod(b.shape) != math.prod(out.shape) for b in inputs):
        return None
    return Flow(
        height,
        out.tensor_bytes // height,
        tuple(0 if b is None else b.tensor_bytes // height for b in inputs),
        ((1, 0, 1, height),) * len(inputs),
    )


def _rows_alike(call: KernelCall, height: int) -> bool:
    """True where a broadcasting call does the same in every row: its rows are its third axis."""
    shape, b_stride = call.params["shape"], call.params["b_stride"]
    dense = call.params["a_stride"][2:] == (shape[3], 1) or shape[2] == 1
    if shape[:2] != (1, 1) or b_stride[2] != 0 or not dense or call.params["a_stride"][3] != 1:
        return False
    constant = isinstance(call.inputs[1], str)
    whole = shape[2] == 1 and shape[3] % height == 0 and (not constant or b_stride[3] == 0)
    return whole or (constant and shape[2] % height == 0)


def row_call(call: KernelCall, flow_: Flow) -> KernelCall:
    """The call with the parameters of one row, for elementwise kernels; others as they are."""
    from dataclasses import replace

    if not kernel_of(call).elementwise:
        return replace(call, rows=flow_.height)
    params = dict(call.params)
    if "n" in params:
        params["n"] = int(params["n"]) // flow_.height
    else:
        shape = params["shape"]
        axis = 3 if shape[2] == 1 else 2
        row = tuple(s // flow_.height if i == axis else s for i, s in enumerate(shape))
        params["shape"] = row
        params["a_stride"] = (row[2] * row[3], row[2] * row[3], row[3], 1)
    return replace(call, params=params, rows=flow_.height)


def _width(buffer: Buffer) -> int:
    return np.dtype(buffer.dtype).itemsize


@dataclass(frozen=True, slots=True)
class Course:
    """One run of a group, row by row.

    Attributes:
        steps: what is computed, in order.
        heights: rows that the ring of each inner buffer holds.
    """

    steps: tuple[Step, ...]
    heights: dict[int, int]


def course(
    indices: Sequence[int],
    calls: Sequence[KernelCall],
    flows: Mapping[int, Flow],
    inner: frozenset[int],
) -> Course:
    """Pull every row of the group's outputs through it, each row as late as can be.

    Args:
        indices: the group's calls, in order.
        calls: all calls.
        flows: of the group's calls.
        inner: buffers that are written and read within the group only.
    """
    writer = {calls[i].outputs[0]: i for i in indices}
    # Of each call: (who writes an input, the rows of it that each step needs upto).
    pulls: dict[int, list[tuple[int, list[int]]]] = {i: [] for i in indices}
    readers: dict[int, list[tuple[int, list[int]]]] = {i: [] for i in indices}
    for i in indices:
        for slot, buffer in enumerate(calls[i].inputs):
            if buffer in inner:
                needs = flows[i].needs(slot)
                pulls[i].append((writer[int(buffer)], [high for _, high in needs]))
                readers[writer[int(buffer)]].append((i, [low for low, _ in needs]))
    done = dict.fromkeys(indices, 0)
    heights = dict.fromkeys(inner, 0)
    order: list[Step] = []

    def pull(i: int, upto: int) -> None:
        waiting, target = readers[i], calls[i].outputs[0]
        for y in range(done[i], upto):
            for source, highs in pulls[i]:
                if done[source] < highs[y]:
                    pull(source, highs[y])
            if target in inner:
                lowest = [lows[done[k]] for k, lows in waiting if done[k] < len(lows)]
                heights[target] = max(heights[target], y + 1 - min(lowest, default=y))
            order.append(Step(i, y, y + 1))
            done[i] = y + 1

    for i in indices[::-1]:
        if calls[i].outputs[0] not in inner:
            pull(i, flows[i].height)
    return Course(tuple(order), heights)
