"""Float reduction over rows; see runtime_c/src/tms_reduce_f32.h."""

from __future__ import annotations

from studio.compiler.kernel import Array
from studio.compiler.kernels.mean_f32 import reduction


def joined(total: Array, row: Array) -> Array:
    """The product, row by row."""
    return total * row


KERNELS = (reduction("tms_reduce_prod_f32", 1.0, joined),)
