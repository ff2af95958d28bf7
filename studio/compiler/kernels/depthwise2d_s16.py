"""tms_depthwise2d_s16: depthwise convolution of int16 with int8 weights."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s16 import FIELDS, draw_example, requantize
from studio.compiler.window import patches, window


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 [in_h, in_w, in_c] to out int16 [out_h, out_w, out_c].

    Formula: DepthwiseConvPerChannel of int16 in TFLite's
    reference/integer_ops/depthwise_conv.h.
    """
    seen = patches(p, x.astype(np.float64), 0)
    seen = np.repeat(seen, p["out_c"] // p["in_c"], axis=-1)
    requantize(p, (seen * p["weights"].astype(np.float64)).sum(axis=(2, 3)), out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One filter a channel and several, padding, strides, dilation."""
    geometries = (
        window((5, 6, 4), 4, (3, 3), pads=(1, 1, 1, 1), groups=4),
        window((7, 5, 3), 6, (3, 2), stride=(2, 1), pads=(0, 1, 2, 0), groups=3),
        window((1, 12, 2), 2, (1, 5), dilation=(1, 2), groups=2),
    )
    return tuple(
        draw_example(rng, g, (g["kernel_h"], g["kernel_w"], g["out_c"])) for g in geometries
    )


KERNELS = (
    Kernel(
        "tms_depthwise2d_s16", "tms_conv2d_s16_params", FIELDS, reference, examples, window=True
    ),
)
