"""Float the smaller of two values, with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import F32
from studio.compiler.kernels.add_f32 import binary


@np.errstate(all="ignore")
def smaller(a: F32, b: F32) -> F32:
    """The smaller of two values."""
    return np.where((a != a) | (b != b), np.float32(np.nan), np.where(b < a, b, a))


KERNELS = (binary("tms_min_f32", smaller),)
