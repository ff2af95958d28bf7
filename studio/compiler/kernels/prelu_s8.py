"""tms_prelu_s8: a, and a times b where a is negative, with broadcast."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import Rescale, rescale_double, rescale_single
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.add_s8 import FIELDS, broadcast, draw_example, name_factors, store


def reference(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8 of `shape`.

    Formula: BroadcastPrelu4DSlow in TFLite's reference/prelu.h.
    """
    x = broadcast(p, "a", a)
    product = rescale(x * broadcast(p, "b", b), p["out_multiplier"], p["out_shift"])
    store(p, np.where(x < 0, product, rescale(x, p["a_multiplier"], p["a_shift"])), out)


def prelu_factors(a_scale: float, b_scale: float, out_scale: float) -> dict[str, int]:
    """Multipliers and shifts of tms_prelu_s8 for three scales."""
    return name_factors({"a": a_scale / out_scale, "b": 0.0, "out": a_scale * b_scale / out_scale})


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Equal shapes, a slope a channel, a narrow clamp."""
    factors = prelu_factors(0.02, 0.01, 0.03)
    return (
        draw_example(rng, (1, 3, 4, 5), (1, 3, 4, 5), factors),
        draw_example(rng, (2, 3, 4, 5), (1, 1, 1, 5), factors),
        draw_example(rng, (1, 1, 1, 256), (1, 1, 1, 1), factors, act_min=-20, act_max=30),
    )


KERNELS = tuple(
    Kernel(
        name, "tms_binary_s8_params", FIELDS, partial(reference, rescale), examples, in_place=True
    )
    for name, rescale in (("tms_prelu_s8", rescale_single), ("tms_prelu_s8_dr", rescale_double))
)
