"""tms_mul_s8: the product of two tensors, with broadcast."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.add_s8 import FIELDS, broadcast, draw_example, name_factors, store


def reference(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8 of `shape`.

    Formula: MulElementwise in TFLite's reference/integer_ops/mul.h.
    """
    product = broadcast(p, "a", a) * broadcast(p, "b", b)
    store(p, rescale(product, p["out_multiplier"], p["out_shift"]), out)


def product_factors(a_scale: float, b_scale: float, out_scale: float) -> dict[str, int]:
    """Multipliers and shifts of tms_mul_s8 for three scales (TFLite's mul.cc, Prepare)."""
    return name_factors({"a": 0.0, "b": 0.0, "out": a_scale * b_scale / out_scale})


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Equal shapes, either side broadcast, a factor over one, a narrow clamp."""
    usual, large = product_factors(0.02, 0.03, 0.1), product_factors(2.0, 1.5, 1.0)
    return (
        draw_example(rng, (1, 3, 4, 5), (1, 3, 4, 5), usual),
        draw_example(rng, (1, 1, 1, 256), (1, 1, 1, 256), large),
        draw_example(rng, (2, 3, 4, 5), (1, 1, 1, 5), usual),
        draw_example(rng, (1, 3, 1, 1), (2, 3, 4, 5), usual),
        draw_example(rng, (1, 1, 1, 1), (1, 3, 2, 1), usual, act_min=-20, act_max=30),
    )


KERNELS = tuple(
    Kernel(
        name,
        "tms_binary_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        in_place=True,
        elementwise=True,
    )
    for name, rescale in (("tms_mul_s8", rescale_single), ("tms_mul_s8_dr", rescale_double))
)
