"""Float reduction over rows; see runtime_c/src/tms_reduce_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array
from studio.compiler.kernels.mean_f32 import reduction


def joined(total: Array, row: Array) -> Array:
    """The smallest value."""
    return np.where((total != total) | (total <= row), total, row)


KERNELS = (reduction("tms_reduce_min_f32", float("inf"), joined),)
