"""tms_avgpool2d_s8: the average of the values in a window that lie inside the tensor."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.maxpool2d_s8 import FIELDS, examples
from studio.compiler.window import inside, patches


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_h, in_w, in_c] to out int8 [out_h, out_w, in_c]; rounds half away from zero.

    Formula: AveragePool in TFLite's reference/integer_ops/pooling.h.
    """
    sums = patches(p, x.astype(np.int32), 0).sum(axis=(2, 3))
    count = inside(p).sum(axis=(2, 3))[..., None]
    average = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    out[...] = np.clip(average, p["act_min"], p["act_max"])


KERNELS = (
    Kernel("tms_avgpool2d_s8", "tms_pool2d_s8_params", FIELDS, reference, examples, window=True),
)
