"""Float transposed convolution; see runtime_c/src/tms_conv_transpose2d_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_f32 import FIELDS, convolve, draw_example
from studio.compiler.kernels.conv_transpose2d_s8 import geometries
from studio.compiler.window import upsampled_patches


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Start from the bias, add tap by tap, channel by channel, clip."""
    convolve(p, *upsampled_patches(p, x), out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry, one clipped, one with special values."""
    made = [draw_example(rng, geometry, -np.inf, np.inf) for geometry in geometries()]
    special = draw_example(rng, geometries()[0], 0.0, 6.0)
    special.inputs[0].reshape(-1)[:6] = np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38
    return (*made, special)


KERNELS = (
    Kernel(
        "tms_conv_transpose2d_f32",
        "tms_conv2d_f32_params",
        FIELDS,
        reference,
        examples,
        window=True,
        upsampling=True,
    ),
)
