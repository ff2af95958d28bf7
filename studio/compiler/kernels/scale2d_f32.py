"""tms_scale2d_f32: float rows times a factor."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import one_nan
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.scale2d_s32_s8 import last_row


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Map x [in_h, in_w, in_c] to out [out_h, out_w, out_c], row for row."""
    rows = np.arange(p["out_h"]) * p["stride_h"] - p["pad_top"]
    out[...] = one_nan(x[rows] * np.float32(p["factor"])).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The last row of several, one row."""
    return tuple(
        Example(
            {**last_row(height, channels), "factor": 1 / 7},
            (rng.standard_normal((height, 1, channels), np.float32),),
            (1, 1, channels),
            "float32",
        )
        for height, channels in ((5, 7), (1, 3))
    )


FIELDS = (("factor", "f32"),)
KERNELS = (
    Kernel("tms_scale2d_f32", "tms_scale2d_f32_params", FIELDS, reference, examples, window=True),
)
