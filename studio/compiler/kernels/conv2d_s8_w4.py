"""tms_conv2d_s8_w4: tms_conv2d_s8 with packed weights of 4 bits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import conv2d_s8
from studio.compiler.nibbles import packed, unpacked


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Unpack the weights, then convolve."""
    size = p["kernel_h"] * p["kernel_w"] * p["in_c"] // p["groups"]
    weights = unpacked(p["weights"].reshape(p["out_c"], -1), size)
    conv2d_s8.reference(rescale, {**p, "weights": weights}, x, out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Those of tms_conv2d_s8; filters of odd and even sizes."""
    return tuple(packed_example(example) for example in conv2d_s8.examples(rng))


def packed_example(example: Example) -> Example:
    """An Example with its int8 weights brought to 4 bits."""
    weights = example.params["weights"] >> 4
    return replace(
        example, params={**example.params, "weights": packed(weights.reshape(len(weights), -1))}
    )


KERNELS = tuple(
    Kernel(
        name,
        "tms_conv2d_s8_params",
        conv2d_s8.FIELDS,
        partial(reference, rescale),
        examples,
        window=True,
    )
    for name, rescale in (
        ("tms_conv2d_s8_w4", rescale_single),
        ("tms_conv2d_s8_w4_dr", rescale_double),
    )
)
