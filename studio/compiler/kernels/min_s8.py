"""tms_min_s8: the smaller of two values of one scale, with broadcast."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.add_s8 import FIELDS, broadcast, examples, store


def reference(p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8 of `shape`."""
    store(p, np.minimum(broadcast(p, "a", a), broadcast(p, "b", b)), out)


KERNELS = (
    Kernel("tms_min_s8", "tms_binary_s8_params", FIELDS, reference, examples, in_place=True),
)
