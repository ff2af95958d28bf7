"""Weights with their zeros left out of flash, where that takes less.

A filter is runs (one a tap of its window; a dense row is one), a run is segments of 256 blocks of
1 or 4 neighbouring weights. A segment is stored as the number of blocks that are not all zero,
and each of them as its place and its weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.program import Constant, KernelCall

Array = npt.NDArray[Any]

BLOCKS = (1, 4)
SEGMENT = 256
_GAIN = 0.9  # of the dense bytes; with less to skip, the places cost more time than zeros do
_CODE_BYTES = {"tms_conv2d_s8": 1300, "tms_dense_s8": 300}  # of the sparse form, on Cortex-M


def encoded(runs: Array, block: int) -> npt.NDArray[np.int8] | None:
    """Weights int8 [filters, runs, depth] without their zeros; None where they do not fit.

    They do not where the depth is no multiple of the block, or where all 256 blocks of a segment
    hold something.
    """
    segments = _segments(runs, block)
    if segments is None:
        return None
    kept = segments.any(axis=2)
    rows, places = np.nonzero(kept)
    blocks = np.column_stack((places.astype(np.uint8).view(np.int8), segments[kept]))
    stream = np.empty(len(segments) + blocks.size, np.int8)
    # Before a block stand the counts of its segment and those before, and the blocks before it.
    starts = rows + 1 + np.arange(len(rows)) * (1 + block)
    stream[starts[:, None] + np.arange(1 + block)] = blocks
    counts = kept.sum(axis=1)
    stream[np.arange(len(segments)) + (np.cumsum(counts) - counts) * (1 + block)] = counts.astype(
        np.uint8
    ).view(np.int8)
    return stream


def _segments(runs: Array, block: int) -> Array | None:
    """Weights [filters, runs, depth] as [segments, 256, block], filled up with zeros.

    None where they do not fit, see `encoded`.
    """
    filters, taps, depth = runs.shape
    if depth % block:
        return None
    blocks = runs.reshape(filters * taps, -1, block)
    short = -blocks.shape[1] % SEGMENT
    segments = np.pad(blocks, ((0, 0), (0, short), (0, 0))).reshape(-1, SEGMENT, block)
    full = np.count_nonzero(segments.any(axis=2), axis=1) == SEGMENT
    return None if full.any() else segments


def decoded(stream: Array, filters: int, taps: int, depth: int, block: int) -> Array:
    """The weights int8 [filters, taps, depth] that `encoded` was given."""
    runs = np.zeros((filters * taps, depth // block, block), np.int8)
    at = 0
    for run in runs:
        for start in range(0, len(run), SEGMENT):
            count = int(stream[at : at + 1].view(np.uint8)[0])
            pairs = stream[at + 1 : at + 1 + count * (1 + block)].reshape(count, 1 + block)
            run[start + pairs[:, 0].view(np.uint8).astype(np.intp)] = pairs[:, 1:]
            at += 1 + pairs.size
    return runs.reshape(filters, taps, depth)


def thinned(
    calls: Sequence[KernelCall], constants: Mapping[str, Constant]
) -> tuple[list[KernelCall], dict[str, Constant]]:
    """The calls with sparse kernels for layers that shrink, if the model as a whole does.

    One size of blocks serves all layers, so that few kernels are needed.
    """
    options = [_streams(calls, constants, block) for block in BLOCKS]
    saved = [_saved(calls, constants, streams) for streams in options]
    best = int(np.argmax(saved))
    chosen: list[KernelCall] = list(calls)
    kept = dict(constants)
    if saved[best] <= 0:
        return chosen, kept
    for index, stream in options[best].items():
        call = calls[index]
        name = f"{call.params['weights']}_sparse"
        kept[name] = Constant(name, stream)
        chosen[index] = replace(
            call,
            kernel=call.kernel.replace("_s8", f"_s8_z{BLOCKS[best]}"),
            params={**call.params, "weights": name},
            macs=_products(call, constants, BLOCKS[best]),
        )
    return chosen, kept


def _streams(
    calls: Sequence[KernelCall], constants: Mapping[str, Constant], block: int
) -> dict[int, Array]:
    """Encoded weights by the index of their call, where they are much smaller."""
    found = {}
    for index, call in enumerate(calls):
        runs = _runs(call, constants)
        if runs is None:
            continue
        kept = (
            np.count_nonzero(runs.reshape(-1, block).any(axis=1)) if runs.size % block == 0 else 0
        )
        if kept * (1 + block) < _GAIN * runs.size:
            stream = encoded(runs, block)
            if stream is not None and stream.size < _GAIN * runs.size:
                found[index] = stream
    return found


def _runs(call: KernelCall, constants: Mapping[str, Constant]) -> Array | None:
    """The weights of a call [filters, runs, depth] if there is a sparse kernel for it."""
    kernel, p = _plain(call.kernel), call.params
    if kernel == "tms_dense_s8":
        shape = (p["out_n"], 1, p["in_n"])
    elif kernel == "tms_conv2d_s8" and p["groups"] == 1:
        shape = (p["out_c"], p["kernel_h"] * p["kernel_w"], p["in_c"])
    else:
        return None
    return constants[p["weights"]].data.reshape(shape)


def _products(call: KernelCall, constants: Mapping[str, Constant], block: int) -> int:
    """Multiply-accumulates with the weights that are stored, those in padding included."""
    runs = _runs(call, constants)
    assert runs is not None
    stored = block * np.count_nonzero(runs.reshape(-1, block).any(axis=1))
    return call.macs // runs.size * int(stored)


def _saved(
    calls: Sequence[KernelCall], constants: Mapping[str, Constant], streams: Mapping[int, Array]
) -> int:
    """Bytes of flash that the streams save, their kernels' code taken off."""
    dense = sum(constants[calls[i].params["weights"]].size_bytes for i in streams)
    code = sum(_CODE_BYTES[name] for name in {_plain(calls[i].kernel) for i in streams})
    return dense - sum(s.size for s in streams.values()) - code


def _plain(kernel: str) -> str:
    return kernel.removesuffix("_dr")
