"""tms_depthwise2d_s8: each channel by filters of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_s8 import FIELDS, requantize
from studio.compiler.kernels.conv2d_s8 import draw_example as draw_grouped
from studio.compiler.window import patches, window


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_h, in_w, in_c] to out int8 [out_h, out_w, out_c]; out_c is a multiple of in_c.

    Formula: DepthwiseConvPerChannel in TFLite's reference/integer_ops/depthwise_conv.h.
    """
    seen = patches(p, x.astype(np.int32) + np.int32(p["in_offset"]), 0)
    each = np.repeat(seen, p["out_c"] // p["in_c"], axis=-1)
    weights = p["weights"].reshape(p["kernel_h"], p["kernel_w"], p["out_c"])
    sums = np.einsum("yxklc,klc->yxc", each, weights, dtype=np.int32)
    requantize(rescale, p, sums, out)


def draw_example(rng: np.random.Generator, geometry: dict[str, int], **others: Any) -> Example:
    """An Example with random numbers for a window; `others` replace parameters."""
    g = geometry
    shape = (g["kernel_h"], g["kernel_w"], g["out_c"])
    weights = rng.integers(-128, 128, shape, dtype=np.int8)
    return draw_grouped(rng, {**g, "groups": g["in_c"]}, **{"weights": weights, **others})


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One filter and several a channel, fewer and more channels than a block of 16."""
    geometries = (
        window((5, 6, 3), 3, (3, 3), pads=(1, 1, 1, 1)),
        window((6, 5, 37), 37, (3, 3), stride=(2, 2), pads=(0, 0, 1, 1)),
        window((4, 5, 3), 6, (3, 2), pads=(1, 0, 1, 1)),
        window((3, 4, 1), 20, (2, 2)),
        window((9, 8, 16), 16, (3, 3), dilation=(3, 2), pads=(3, 2, 3, 2)),
        window((1, 20, 5), 5, (1, 7), stride=(1, 3), pads=(0, 3, 0, 3)),
        window((2, 2, 4), 4, (5, 5), pads=(2, 2, 2, 2)),
    )
    return (
        *(draw_example(rng, geometry) for geometry in geometries),
        draw_example(rng, geometries[1], act_min=-20, act_max=30),
    )


KERNELS = tuple(
    Kernel(
        name,
        "tms_conv2d_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        window=True,
    )
    for name, rescale in (
        ("tms_depthwise2d_s8", rescale_single),
        ("tms_depthwise2d_s8_dr", rescale_double),
    )
)
