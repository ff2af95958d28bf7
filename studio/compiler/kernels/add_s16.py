"""tms_add_s16 and its like: arithmetic of two int16 tensors, with broadcast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import max_s8, min_s8, prelu_s8
from studio.compiler.kernels.add_s8 import (
    FIELDS,
    broadcast,
    draw_example,
    scaled,
    store,
    sum_factors,
)
from studio.compiler.kernels.mul_s8 import product_factors

HEADROOM_BITS = 15


def total(sign: int, rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """A + b or a - b.

    Formula: AddElementwise of int16 in TFLite's reference/integer_ops/add.h, left shift 15.
    """
    left, right = (scaled(rescale, p, side, x, HEADROOM_BITS) for side, x in (("a", a), ("b", b)))
    store(p, rescale(left + sign * right, p["out_multiplier"], p["out_shift"]), out)


def product(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """A * b.

    Formula: MulElementwise of int16 in TFLite's reference/integer_ops/mul.h.
    """
    whole = broadcast(p, "a", a) * broadcast(p, "b", b)
    store(p, rescale(whole, p["out_multiplier"], p["out_shift"]), out)


def _examples(factors: dict[str, int], rng: np.random.Generator) -> tuple[Example, ...]:
    made: list[Example] = []
    for a_shape, b_shape in (
        ((1, 3, 4, 5), (1, 3, 4, 5)), ((2, 3, 4, 5), (1, 1, 1, 5)), ((1, 3, 1, 1), (2, 3, 4, 5)),
    ):  # fmt: skip
        limits = {"act_min": -32768, "act_max": 32767 if len(made) else 900}
        zeros = {"a_offset": 0, "b_offset": 0, "out_offset": 0}
        drawn = draw_example(rng, a_shape, b_shape, {**factors, **limits, **zeros})
        inputs = tuple(rng.integers(-32767, 32768, x.shape).astype(np.int16) for x in drawn.inputs)
        made.append(replace(drawn, inputs=inputs, out_dtype="int16"))
    return tuple(made)


def _kernel(name: str, reference: Callable[..., None], factors: dict[str, int]) -> Kernel:
    examples = partial(_examples, factors)
    return Kernel(name, "tms_binary_s8_params", FIELDS, reference, examples, in_place=True)


SUM = sum_factors(0.0002, 0.0003, 0.0004, HEADROOM_BITS)
PRODUCT = product_factors(0.0002, 0.0003, 0.002)
SLOPE = prelu_s8.prelu_factors(0.0002, 0.00003, 0.0003)
KERNELS = (
    _kernel("tms_min_s16", min_s8.reference, SUM),
    _kernel("tms_max_s16", max_s8.reference, SUM),
    *(
        _kernel(f"tms_{name}_s16{suffix}", partial(function, rescale), factors)
        for name, function, factors in (
            ("add", partial(total, 1), SUM),
            ("sub", partial(total, -1), SUM),
            ("mul", product, PRODUCT),
            ("prelu", prelu_s8.reference, SLOPE),
        )
        for suffix, rescale in (("", rescale_single), ("_dr", rescale_double))
    ),
)
