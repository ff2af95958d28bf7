"""tms_dense_s8_w4: tms_dense_s8 with packed weights of 4 bits."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import dense_s8
from studio.compiler.kernels.conv2d_s8_w4 import packed_example
from studio.compiler.nibbles import unpacked


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Unpack the weights, then multiply."""
    weights = unpacked(p["weights"].reshape(p["out_n"], -1), p["in_n"])
    dense_s8.reference(rescale, {**p, "weights": weights}, x, out)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Those of tms_dense_s8; odd and even lengths."""
    return tuple(packed_example(example) for example in dense_s8.examples(rng))


KERNELS = tuple(
    Kernel(name, "tms_dense_s8_params", dense_s8.FIELDS, partial(reference, rescale), examples)
    for name, rescale in (
        ("tms_dense_s8_w4", rescale_single),
        ("tms_dense_s8_w4_dr", rescale_double),
    )
)
