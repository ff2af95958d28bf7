"""tms_dense_s16: a fully connected layer of int16 with int8 weights."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s16 import draw_channels, requantize


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 [rows, in_n] to out int16 [rows, out_n], of any shapes of those sizes.

    Formula: FullyConnectedPerChannel of int16 in TFLite's
    reference/integer_ops/fully_connected.h.
    """
    vectors = x.reshape(p["rows"], p["in_n"]).astype(np.float64)
    weights = p["weights"].reshape(p["out_n"], p["in_n"]).astype(np.float64)
    requantize(p, vectors @ weights.T, out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One vector and several, a single product."""
    made = []
    for rows, in_n, out_n in ((1, 64, 10), (3, 7, 5), (1, 1, 1)):
        params = {
            "rows": rows,
            "in_n": in_n,
            "out_n": out_n,
            "act_min": -32768,
            "act_max": 32767,
            "weights": rng.integers(-127, 128, (out_n, in_n), dtype=np.int8),
            **draw_channels(rng, out_n, in_n),
        }
        x = rng.integers(-32768, 32768, (rows, in_n)).astype(np.int16)
        made.append(Example(params, (x,), (rows, out_n), "int16"))
    return tuple(made)


FIELDS = (
    ("rows", "i32"), ("in_n", "i32"), ("out_n", "i32"), ("act_min", "i16"), ("act_max", "i16"),
    ("weights", "ptr"), ("bias", "ptr"), ("multiplier", "ptr"), ("shift", "ptr"),
)  # fmt: skip
KERNELS = (Kernel("tms_dense_s16", "tms_dense_s16_params", FIELDS, reference, examples),)
