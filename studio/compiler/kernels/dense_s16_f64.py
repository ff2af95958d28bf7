"""tms_dense_s16_f64: a dense layer of int16 as LiteRT has it, its sums scaled in double."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import dense_s16


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 [rows, in_n] to out int16 [rows, out_n], of any shapes of those sizes.

    Formula: FullyConnectedPerChannel, the one that is given scales, in LiteRT's
    reference/integer_ops/fully_connected.h.
    """
    vectors = x.reshape(p["rows"], p["in_n"]).astype(np.float64)
    weights = p["weights"].reshape(p["out_n"], p["in_n"]).astype(np.float64)
    scaled = (vectors @ weights.T + p["bias"]) * p["scale"]
    inside = np.clip(scaled, p["act_min"], p["act_max"])
    whole = np.trunc(inside)
    rest = inside - whole
    out[...] = (whole + (rest >= 0.5) - (rest <= -0.5)).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Those of the kernel that scales by integers, and halves of both signs."""
    made = []
    for example in dense_s16.examples(rng):
        params = dict(example.params)
        shift = params.pop("shift").astype(np.float64)
        params["scale"] = params.pop("multiplier") * 2.0 ** (shift - 31)
        made.append(Example(params, example.inputs, example.out_shape, "int16"))
    halves = {
        "rows": 8, "in_n": 1, "out_n": 1, "act_min": -32768, "act_max": 2,
        "weights": np.ones((1, 1), np.int8), "bias": np.zeros(1, np.int64),
        "scale": np.array([0.5]),
    }  # fmt: skip
    x = np.arange(-3, 5, dtype=np.int16).reshape(8, 1)
    return (*made, Example(halves, (x,), (8, 1), "int16"))


FIELDS = (
    ("rows", "i32"), ("in_n", "i32"), ("out_n", "i32"), ("act_min", "i16"), ("act_max", "i16"),
    ("weights", "ptr"), ("bias", "ptr"), ("scale", "ptr"),
)  # fmt: skip
KERNELS = (Kernel("tms_dense_s16_f64", "tms_dense_s16_f64_params", FIELDS, reference, examples),)
