"""Float dense layer; see runtime_c/src/tms_dense_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Start from the bias, add input by input, clip."""
    x = x.reshape(p["rows"], p["in_n"])
    weights = p["weights"].reshape(p["out_n"], p["in_n"])
    acc = np.broadcast_to(p["bias"], (p["rows"], p["out_n"]))
    for i in range(p["in_n"]):
        acc = acc + x[:, i, None] * weights[:, i]
    out[...] = clip(acc, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One vector, several, clipped, special values."""
    special = _example(rng, 3, 7, 4, -np.inf, np.inf)
    special.inputs[0].reshape(-1)[:5] = np.nan, np.inf, -0.0, 1e-42, 3e38
    return (
        _example(rng, 1, 17, 5, -np.inf, np.inf),
        _example(rng, 3, 8, 6, 0.0, 6.0),
        _example(rng, 2, 1, 1, 0.0, np.inf),
        special,
    )


def _example(
    rng: np.random.Generator, rows: int, in_n: int, out_n: int, low: float, high: float
) -> Example:
    params = {
        "rows": rows,
        "in_n": in_n,
        "out_n": out_n,
        "act_min": low,
        "act_max": high,
        "weights": rng.standard_normal((out_n, in_n), dtype=np.float32),
        "bias": rng.standard_normal(out_n, dtype=np.float32),
    }
    x = rng.standard_normal((rows, in_n), dtype=np.float32)
    return Example(params, (x,), (rows, out_n), "float32")


FIELDS = (
    ("rows", "i32"), ("in_n", "i32"), ("out_n", "i32"),
    ("act_min", "f32"), ("act_max", "f32"), ("weights", "ptr"), ("bias", "ptr"),
)  # fmt: skip
KERNELS = (Kernel("tms_dense_f32", "tms_dense_f32_params", FIELDS, reference, examples),)
