"""tms_depthwise2d_s8_w4: tms_depthwise2d_s8 with packed weights of 4 bits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import depthwise2d_s8
from studio.compiler.kernels.conv2d_s8 import FIELDS
from studio.compiler.nibbles import packed, unpacked


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Unpack the weights, then convolve."""
    weights = unpacked(p["weights"].reshape(p["kernel_h"] * p["kernel_w"], -1), p["out_c"])
    depthwise2d_s8.reference(rescale, {**p, "weights": weights}, x, out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Those of tms_depthwise2d_s8; odd and even numbers of channels."""
    drawn = []
    for example in depthwise2d_s8.examples(rng):
        taps = (example.params["weights"] >> 4).reshape(-1, example.params["out_c"])
        drawn.append(replace(example, params={**example.params, "weights": packed(taps)}))
    return tuple(drawn)


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
        ("tms_depthwise2d_s8_w4", rescale_single),
        ("tms_depthwise2d_s8_w4_dr", rescale_double),
    )
)
