"""tms_matmul_s8: the product of two batches of matrices."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Rescale,
    quantize_multiplier,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.matmul_f32 import geometries, matrices, sizes


def reference(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8.

    Formula: BatchMatMul in TFLite's reference/batch_matmul.h.
    """
    left, right = matrices(p, a, b)
    wide = (left.astype(np.float64) + p["a_offset"]) @ (right.astype(np.float64) + p["b_offset"])
    y = rescale(wide.astype(np.int64), p["multiplier"], p["shift"]) + np.int32(p["out_offset"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry, a factor over one, a narrow clamp."""
    made = []
    for number, geometry in enumerate(geometries()):
        a, b = (rng.integers(-128, 128, n, dtype=np.int8) for n in sizes(geometry))
        multiplier, shift = quantize_multiplier(1.7 if number == 3 else 0.004)
        params = {
            **geometry,
            "a_offset": int(rng.integers(-127, 129)),
            "b_offset": int(rng.integers(-127, 129)),
            "out_offset": int(rng.integers(-40, 40)),
            "act_min": -20 if number == 2 else -128,
            "act_max": 30 if number == 2 else 127,
            "multiplier": multiplier,
            "shift": shift,
        }
        shape = (*geometry["batch"], geometry["m"], geometry["n"])
        made.append(Example(params, (a, b), shape, "int8"))
    return tuple(made)


FIELDS = (
    ("batch", "i32[2]"), ("m", "i32"), ("k", "i32"), ("n", "i32"),
    ("a_stride", "i32[4]"), ("b_stride", "i32[4]"),
    ("a_offset", "i16"), ("b_offset", "i16"), ("out_offset", "i16"),
    ("act_min", "i16"), ("act_max", "i16"), ("multiplier", "i32"), ("shift", "i8"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(name, "tms_matmul_s8_params", FIELDS, partial(reference, rescale), examples)
    for name, rescale in (("tms_matmul_s8", rescale_single), ("tms_matmul_s8_dr", rescale_double))
)
