"""Weighted sums along one axis; see runtime_c/src/tms_resample_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import one_nan
from studio.compiler.kernel import Array, Example, Kernel, Params


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Tap by tap, starting from zero."""
    whole = x.reshape(p["outer"], p["in_n"], p["inner"])
    index = p["index"].reshape(p["out_n"], p["taps"])
    weights = p["weights"].reshape(p["out_n"], p["taps"])
    total = np.zeros((p["outer"], p["out_n"], p["inner"]), np.float32)
    for tap in range(p["taps"]):
        total = total + whole[:, index[:, tap]] * weights[:, tap, None]
    out[...] = one_nan(total).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Two taps and four, each axis of size one, a NaN."""
    made = []
    for outer, in_n, inner, out_n, taps in ((1, 4, 3, 7, 2), (3, 5, 1, 2, 4), (2, 1, 2, 3, 2)):
        x = rng.standard_normal((outer, in_n, inner), dtype=np.float32)
        x[0, 0, 0] = np.nan if taps == 4 else 1e-42
        params = {
            "outer": outer,
            "in_n": in_n,
            "out_n": out_n,
            "inner": inner,
            "taps": taps,
            "index": rng.integers(0, in_n, (out_n, taps)).astype(np.int32),
            "weights": rng.standard_normal((out_n, taps), dtype=np.float32),
        }
        made.append(Example(params, (x,), (outer, out_n, inner), "float32"))
    return tuple(made)


FIELDS = (
    ("outer", "i32"), ("in_n", "i32"), ("out_n", "i32"), ("inner", "i32"), ("taps", "i32"),
    ("index", "ptr"), ("weights", "ptr"),
)  # fmt: skip
KERNELS = (Kernel("tms_resample_f32", "tms_resample_f32_params", FIELDS, reference, examples),)
