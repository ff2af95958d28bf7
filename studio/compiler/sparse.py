"""Weights with their zeros left out of flash.

A filter is runs (one a tap of its window; a dense row is one), a run is segments of 256 blocks of
1 or 4 neighbouring weights. A segment is stored as the number of blocks that are not all zero,
and each of them as its place and its weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.program import KernelCall

Array = npt.NDArray[Any]

BLOCKS = (1, 4)
SEGMENT = 256
_GAIN = 0.9  # of the dense bytes; with less to skip, the places cost more time than zeros do


def runs(call: KernelCall, weights: Array) -> Array | None:
    """The weights of a call [filters, runs, depth] if there is a sparse kernel for it."""
    p = call.params
    kernel = call.kernel.removesuffix("_dr")
    if kernel == "tms_dense_s8":
        shape = (p["out_n"], 1, p["in_n"])
    elif kernel == "tms_conv2d_s8" and p["groups"] == 1:
        shape = (p["out_c"], p["kernel_h"] * p["kernel_w"], p["in_c"])
    else:
        return None
    return np.ascontiguousarray(weights).reshape(shape)


def held_blocks(runs: Array, block: int) -> int:
    """How many blocks of weights [filters, runs, depth] are not all zero."""
    return int(np.count_nonzero(_as_blocks(runs, block)))


def fit(runs: Array, block: int) -> bool:
    """The depth is a multiple of the block, and no segment of 256 blocks is full."""
    if runs.shape[2] % block:
        return False
    blocks = _as_blocks(runs, block)
    starts = range(0, blocks.shape[1] - SEGMENT + 1, SEGMENT)
    segments = (blocks[:, start : start + SEGMENT] for start in starts)
    return not any((np.count_nonzero(s, axis=1) == SEGMENT).any() for s in segments)


def stream_bytes(runs: Array, block: int) -> int | None:
    """What weights int8 [filters, runs, depth] take without their zeros.

    None where that is hardly less, or they do not fit.
    """
    filters, taps, depth = runs.shape
    if depth % block:
        return None
    counts = filters * taps * -(-depth // (block * SEGMENT))
    size = held_blocks(runs, block) * (1 + block) + counts
    return int(size) if size < _GAIN * runs.size and fit(runs, block) else None


def encoded(runs: Array, block: int) -> npt.NDArray[np.int8]:
    """Weights int8 [filters, runs, depth], which fit, without their zeros."""
    held = _as_blocks(runs, block) != 0
    weights = runs.reshape(-1, block)[held.reshape(-1)]
    segments = np.pad(held, ((0, 0), (0, -held.shape[1] % SEGMENT))).reshape(-1, SEGMENT)
    rows, places = np.nonzero(segments)
    blocks = np.column_stack((places.astype(np.uint8).view(np.int8), weights))
    stream = np.empty(len(segments) + blocks.size, np.int8)
    # Before a block stand the counts of its segment and those before, and the blocks before it.
    starts = rows + 1 + np.arange(len(rows)) * (1 + block)
    stream[starts[:, None] + np.arange(1 + block)] = blocks
    counts = segments.sum(axis=1)
    stream[np.arange(len(segments)) + (np.cumsum(counts) - counts) * (1 + block)] = counts.astype(
        np.uint8
    ).view(np.int8)
    return stream


def _as_blocks(runs: Array, block: int) -> Array:
    """Weights [filters, runs, depth] as one integer a block [filters * runs, depth / block]."""
    return runs.reshape(-1, runs.shape[2]).view(f"u{block}")


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
