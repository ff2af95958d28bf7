"""tms_dense_s8_z1 and _z4: tms_dense_s8 with weights whose zeros are left out."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import dense_s8
from studio.compiler.kernels.conv2d_s8_sparse import thinned_example
from studio.compiler.sparse import BLOCKS, decoded


def reference(rescale: Rescale, block: int, p: Params, x: Array, out: Array) -> None:
    """Put the zeros back, then multiply."""
    weights = decoded(p["weights"], p["out_n"], 1, p["in_n"], block)
    dense_s8.reference(rescale, {**p, "weights": weights}, x, out)


def examples(block: int, rng: np.random.Generator) -> tuple[Example, ...]:
    """One vector and several, more than one segment, a narrow clamp."""
    drawn = (
        dense_s8.draw_example(rng, 1, 64, 10),
        dense_s8.draw_example(rng, 3, 8, 5),
        dense_s8.draw_example(rng, 2, 1028, 3),
        dense_s8.draw_example(rng, 1, 4, 4, act_min=-20, act_max=30),
    )
    return tuple(thinned_example(rng, example, "in_n", block) for example in drawn)


KERNELS = tuple(
    Kernel(
        f"tms_dense_s8_z{block}{suffix}",
        "tms_dense_s8_params",
        dense_s8.FIELDS,
        partial(reference, rescale, block),
        partial(examples, block),
    )
    for block in BLOCKS
    for suffix, rescale in (("", rescale_single), ("_dr", rescale_double))
)
