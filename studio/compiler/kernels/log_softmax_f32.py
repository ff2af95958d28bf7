"""Float logarithm of softmax; see runtime_c/src/tms_log_softmax_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import exp, log, one_nan
from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.softmax_f32 import FIELDS, examples, largest_of


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """(x - max) - ln(sum of e^(x - max), added in order)."""
    columns = x.reshape(p["rows"], p["n"]).T
    below = columns - largest_of(columns)
    total = np.zeros(p["rows"], np.float32)
    for column in exp(below):
        total = total + column
    out[...] = one_nan(below - log(total)).T.reshape(out.shape)


KERNELS = (
    Kernel(
        "tms_log_softmax_f32", "tms_softmax_f32_params", FIELDS, reference, examples, in_place=True
    ),
)
