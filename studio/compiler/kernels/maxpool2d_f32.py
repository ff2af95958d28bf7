"""Float maximum pooling; see runtime_c/src/tms_maxpool2d_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import patches, window


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """The first largest value inside the window; a NaN wins."""
    best = np.full(out.shape, -np.inf, np.float32)
    seen = patches(p, x, -np.inf)
    for ky, kx in np.ndindex(p["kernel_h"], p["kernel_w"]):
        value = seen[:, :, ky, kx]
        best = np.where((value > best) | (value != value), value, best)
    out[...] = best


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Plain, padded, strided, dilated, average with and without padding, special values."""
    windows = (
        window((6, 6, 3), 3, (2, 2), stride=(2, 2), groups=3),
        window((5, 7, 2), 2, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), groups=2),
        window((8, 6, 4), 4, (3, 2), dilation=(2, 2), pads=(2, 1, 2, 1), groups=4),
        window((1, 10, 3), 3, (1, 4), stride=(1, 3), pads=(0, 1, 0, 2), groups=3),
    )
    ordinary = [_example(rng, w, count) for w in windows for count in (0, 1)]
    special = _example(rng, windows[1], 0)
    special.inputs[0].reshape(-1)[:8] = np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-42, 2e-42, 3e38
    special.inputs[0][-2:, -2:] = [[0.0, -0.0], [-0.0, 0.0]]
    return (*ordinary, special)


def _example(rng: np.random.Generator, w: dict[str, int], count_padding: int) -> Example:
    x = rng.standard_normal((w["in_h"], w["in_w"], w["in_c"]), dtype=np.float32)
    out_shape = (w["out_h"], w["out_w"], w["out_c"])
    return Example({**w, "count_padding": count_padding}, (x,), out_shape, "float32")


FIELDS = (("count_padding", "i32"),)
KERNELS = (
    Kernel("tms_maxpool2d_f32", "tms_pool2d_f32_params", FIELDS, reference, examples, window=True),
)
