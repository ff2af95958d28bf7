"""Float x, and alpha x below zero; see runtime_c/src/tms_leaky_relu_f32.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from studio.compiler.float_math import F32, leaky_relu
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.sigmoid_f32 import examples as unary_examples

FIELDS = (("n", "i32"), ("alpha", "f32"), ("beta", "f32"))


def shaped(name: str, function: Callable[[F32, Any, Any], F32]) -> Kernel:
    """A kernel that does one thing to each value, with two factors that give it its shape."""

    def reference(p: Params, x: Array, out: Array) -> None:
        out[...] = function(x, p["alpha"], p["beta"])

    return Kernel(name, "tms_shaped_f32_params", FIELDS, reference, examples, in_place=True)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """What any unary kernel is tried on, with usual and unusual factors."""
    factors = ((1 / 6, 0.5), (0.01, 0.0), (1.0, 1.0), (-2.0, -0.25))
    return tuple(
        replace(e, params={**e.params, "alpha": alpha, "beta": beta})
        for e, (alpha, beta) in zip(unary_examples(rng), factors, strict=True)
    )


KERNELS = (shaped("tms_leaky_relu_f32", leaky_relu),)
