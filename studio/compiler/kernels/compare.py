"""Comparisons with broadcast; see runtime_c/src/tms_compare.h."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.add_f32 import examples as pairs
from studio.compiler.kernels.transpose import strided

STRIDES = ("shape", "a_stride", "b_stride")


def reference(
    compare: Callable[[Any, Any], Any], p: Params, a: Array, b: Array, out: Array
) -> None:
    """True or false; a NaN compares false."""
    left, right = strided(a, p["shape"], p["a_stride"]), strided(b, p["shape"], p["b_stride"])
    out[...] = compare(left, right).reshape(out.shape)


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """The shapes and special values of float sums, many equal."""
    made = []
    for example in pairs(rng):
        inputs = [np.where(np.abs(x) < 9, np.rint(x), x) for x in example.inputs]
        if dtype == "int32":
            inputs = [np.nan_to_num(x, posinf=9, neginf=-9).clip(-9, 9) for x in inputs]
        params = {key: example.params[key] for key in STRIDES}
        arrays = tuple(x.astype(dtype) for x in inputs)
        made.append(Example(params, arrays, example.out_shape, "bool"))
    return tuple(made)


FIELDS = tuple((name, "i32[4]") for name in STRIDES)
KERNELS = tuple(
    Kernel(
        f"tms_{name}_{suffix}",
        "tms_compare_params",
        FIELDS,
        partial(reference, compare),
        partial(examples, dtype),
    )
    for name, compare in (
        ("equal", operator.eq),
        ("less", operator.lt),
        ("less_equal", operator.le),
    )
    for suffix, dtype in (("f32", "float32"), ("s32", "int32"))
)
