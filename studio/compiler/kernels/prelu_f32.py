"""Float a, and a times b below zero, with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import F32
from studio.compiler.kernels.add_f32 import binary


@np.errstate(all="ignore")
def prelu(a: F32, b: F32) -> F32:
    """A, and a times b below zero."""
    return np.where(a < 0, a * b, a)


KERNELS = (binary("tms_prelu_f32", prelu),)
