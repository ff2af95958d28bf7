"""tms_conv_transpose2d_s8: two-dimensional transposed convolution, grouped or not."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s8 import FIELDS, convolve, draw_example
from studio.compiler.window import upsampled_patches, upsampled_window


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_h, in_w, in_c] to out int8 [out_h, out_w, out_c].

    Formula: TransposeConv in TFLite's reference/integer_ops/transpose_conv.h.
    """
    seen, _ = upsampled_patches(p, x.astype(np.float64) + p["in_offset"])
    convolve(rescale, p, seen, out)


def geometries() -> tuple[dict[str, int], ...]:
    """Strides, padding, extra outputs, dilation, groups, one dimension."""
    return (
        upsampled_window((3, 4, 3), 4, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), extra=(1, 0)),
        upsampled_window((4, 3, 2), 3, (2, 4), stride=(3, 1), pads=(0, 2, 0, 1)),
        upsampled_window((3, 3, 2), 2, (3, 2), dilation=(2, 3)),
        upsampled_window((4, 4, 6), 9, (2, 3), stride=(1, 2), groups=3, pads=(1, 0, 0, 2)),
        upsampled_window((6, 1, 5), 4, (5, 1), stride=(2, 1), pads=(2, 0, 2, 0)),
        upsampled_window((2, 5, 1), 2, (1, 1), stride=(2, 2), extra=(1, 1)),
    )


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry, and a narrow clamp."""
    clamped = draw_example(rng, geometries()[0], act_min=-20, act_max=30)
    return (*(draw_example(rng, geometry) for geometry in geometries()), clamped)


KERNELS = tuple(
    Kernel(
        name,
        "tms_conv2d_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        window=True,
        upsampling=True,
    )
    for name, rescale in (
        ("tms_conv_transpose2d_s8", rescale_single),
        ("tms_conv_transpose2d_s8_dr", rescale_double),
    )
)
