"""tms_conv2d_s8_z1 and _z4: tms_conv2d_s8 with weights whose zeros are left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import conv2d_s8
from studio.compiler.sparse import BLOCKS, decoded, encoded
from studio.compiler.window import window


def reference(rescale: Rescale, block: int, p: Params, x: Array, out: Array) -> None:
    """Put the zeros back, then convolve."""
    taps = p["kernel_h"] * p["kernel_w"]
    weights = decoded(p["weights"], p["out_c"], taps, p["in_c"], block)
    conv2d_s8.reference(rescale, {**p, "weights": weights}, x, out)


def examples(block: int, rng: np.random.Generator) -> tuple[Example, ...]:
    """Padding on each side, strides, dilation, filters of zeros only, more than one segment."""
    geometries = (
        window((5, 6, 4), 4, (3, 3), pads=(1, 1, 1, 1)),
        window((7, 5, 8), 3, (3, 2), stride=(2, 2), pads=(0, 0, 1, 1)),
        window((9, 8, 4), 2, (3, 3), dilation=(2, 3), pads=(2, 3, 2, 3)),
        window((3, 5, 16), 5, (1, 1)),
        window((1, 4, 1028), 2, (1, 2), pads=(0, 1, 0, 0)),
        window((3, 3, 4), 2, (5, 5), pads=(2, 2, 2, 2)),
    )
    drawn = [conv2d_s8.draw_example(rng, geometry) for geometry in geometries]
    drawn.append(conv2d_s8.draw_example(rng, geometries[0], act_min=-20, act_max=30))
    return tuple(thinned_example(rng, example, "in_c", block) for example in drawn)


def thinned_example(rng: np.random.Generator, example: Example, depth: str, block: int) -> Example:
    """An Example of a dense kernel with most blocks of its weights gone, the first filter's all."""
    weights = example.params["weights"]
    runs = weights.reshape(len(weights), -1, example.params[depth])
    kept = rng.random((*runs.shape[:2], runs.shape[2] // block)) < 0.3
    kept[0] = False
    stream = encoded(runs * np.repeat(kept, block, axis=2), block)
    return replace(example, params={**example.params, "weights": stream})


KERNELS = tuple(
    Kernel(
        f"tms_conv2d_s8_z{block}{suffix}",
        "tms_conv2d_s8_params",
        conv2d_s8.FIELDS,
        partial(reference, rescale, block),
        partial(examples, block),
        window=True,
    )
    for block in BLOCKS
    for suffix, rescale in (("", rescale_single), ("_dr", rescale_double))
)
