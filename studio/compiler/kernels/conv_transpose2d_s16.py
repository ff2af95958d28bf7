"""tms_conv_transpose2d_s16: transposed convolution of int16 with int8 weights, grouped or not."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s16 import FIELDS, convolve, draw_example
from studio.compiler.kernels.conv_transpose2d_s8 import geometries
from studio.compiler.window import upsampled_patches


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 [in_h, in_w, in_c] to out int16 [out_h, out_w, out_c].

    Formula: TransposeConv of int16 in TFLite's reference/integer_ops/transpose_conv.h.
    """
    convolve(p, upsampled_patches(p, x.astype(np.float64))[0], out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry of the int8 kernel."""
    return tuple(
        draw_example(rng, g, (g["out_c"], g["kernel_h"], g["kernel_w"], g["in_c"] // g["groups"]))
        for g in geometries()
    )


KERNELS = (
    Kernel(
        "tms_conv_transpose2d_s16",
        "tms_conv2d_s16_params",
        FIELDS,
        reference,
        examples,
        window=True,
        upsampling=True,
    ),
)
