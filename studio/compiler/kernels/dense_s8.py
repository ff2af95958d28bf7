"""tms_dense_s8: a fully connected layer over each of several vectors."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s8 import draw_channels, requantize

FIELDS = (
    ("rows", "i32"),
    ("in_n", "i32"),
    ("out_n", "i32"),
    ("in_offset", "i16"),
    ("out_offset", "i16"),
    ("act_min", "i16"),
    ("act_max", "i16"),
    ("weights", "ptr"),
    ("bias", "ptr"),
    ("multiplier", "ptr"),
    ("shift", "ptr"),
)


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [rows, in_n] to out int8 [rows, out_n], of any shapes of those sizes.

    Formula: FullyConnectedPerChannel in TFLite's reference/integer_ops/fully_connected.h.
    """
    vectors = x.reshape(p["rows"], p["in_n"]).astype(np.float64) + p["in_offset"]
    weights = p["weights"].reshape(p["out_n"], p["in_n"]).astype(np.float64)
    # Floating point is exact here, since no sum comes near 2^53, and numpy multiplies it fast.
    requantize(rescale, p, vectors @ weights.T, out)


def draw_example(
    rng: np.random.Generator, rows: int, in_n: int, out_n: int, **others: Any
) -> Example:
    """An Example with random numbers; `others` replace parameters."""
    params = {
        "rows": rows,
        "in_n": in_n,
        "out_n": out_n,
        "in_offset": int(rng.integers(-127, 129)),
        "out_offset": int(rng.integers(-128, 128)),
        "act_min": -128,
        "act_max": 127,
        "weights": rng.integers(-128, 128, (out_n, in_n), dtype=np.int8),
        **draw_channels(rng, out_n, in_n),
        **others,
    }
    x = rng.integers(-128, 128, (rows, in_n), dtype=np.int8)
    return Example(params, (x,), (rows, out_n), "int8")


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One vector and several, lengths about the width of vector units, a narrow clamp."""
    return (
        draw_example(rng, 1, 64, 10),
        draw_example(rng, 3, 7, 5),
        draw_example(rng, 1, 1, 1),
        draw_example(rng, 2, 33, 4, act_min=-20, act_max=30),
    )


KERNELS = tuple(
    Kernel(name, "tms_dense_s8_params", FIELDS, partial(reference, rescale), examples)
    for name, rescale in (("tms_dense_s8", rescale_single), ("tms_dense_s8_dr", rescale_double))
)
