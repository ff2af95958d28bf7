"""tms_matmul_s16: the product of two batches of matrices of int16."""

from __future__ import annotations

import numpy as np

from studio.compiler.fixed_point import quantize_multiplier, rescale_wide
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.matmul_f32 import geometries, matrices, sizes


def reference(p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int16, seen through their strides, to out int16.

    Formula: BatchMatMul of int16 in TFLite's reference/batch_matmul.h.
    """
    left, right = matrices(p, a, b)
    # Floating point is exact here, since no sum comes near 2^53.
    sums = (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    y = rescale_wide(sums, p["multiplier"], p["shift"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry, a narrow clamp."""
    made = []
    for number, geometry in enumerate(geometries()):
        a, b = (rng.integers(-32768, 32768, n).astype(np.int16) for n in sizes(geometry))
        multiplier, shift = quantize_multiplier(0.00001)
        params = {
            **geometry,
            "act_min": -200 if number == 2 else -32768,
            "act_max": 300 if number == 2 else 32767,
            "multiplier": multiplier,
            "shift": shift,
        }
        shape = (*geometry["batch"], geometry["m"], geometry["n"])
        made.append(Example(params, (a, b), shape, "int16"))
    return tuple(made)


FIELDS = (
    ("batch", "i32[2]"), ("m", "i32"), ("k", "i32"), ("n", "i32"),
    ("a_stride", "i32[4]"), ("b_stride", "i32[4]"),
    ("act_min", "i16"), ("act_max", "i16"), ("multiplier", "i32"), ("shift", "i8"),
)  # fmt: skip
KERNELS = (Kernel("tms_matmul_s16", "tms_matmul_s16_params", FIELDS, reference, examples),)
