"""Float average pooling; see runtime_c/src/tms_avgpool2d_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import one_nan
from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.maxpool2d_f32 import FIELDS, examples
from studio.compiler.window import inside, patches


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Sum of the values inside, tap by tap, times 1 / their number or the window's size."""
    total = np.zeros(out.shape, np.float32)
    seen, there = patches(p, x, 0), inside(p)[..., None]
    for ky, kx in np.ndindex(p["kernel_h"], p["kernel_w"]):
        total = np.where(there[:, :, ky, kx], total + seen[:, :, ky, kx], total)
    count = np.float32(p["kernel_h"] * p["kernel_w"])
    if not p["count_padding"]:
        count = there.sum(axis=(2, 3)).astype(np.float32)
    out[...] = one_nan(total * (np.float32(1) / count))


KERNELS = (
    Kernel("tms_avgpool2d_f32", "tms_pool2d_f32_params", FIELDS, reference, examples, window=True),
)
