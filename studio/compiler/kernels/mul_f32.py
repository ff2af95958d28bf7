"""Float multiplication with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.add_f32 import FIELDS, examples
from studio.compiler.kernels.transpose import strided


@np.errstate(all="ignore")
def reference(p: Params, a: Array, b: Array, out: Array) -> None:
    """Clip a * b, both broadcast to the shape by their strides."""
    product = strided(a, p["shape"], p["a_stride"]) * strided(b, p["shape"], p["b_stride"])
    out[...] = clip(product, p["act_min"], p["act_max"]).reshape(out.shape)


KERNELS = (
    Kernel(
        "tms_mul_f32",
        "tms_binary_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
