"""tms_leaky_relu_s16: x, and alpha times x where it is negative, with the output's own scale."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Int32s,
    Rescale,
    quantize_multiplier,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params


def bent(rescale: Rescale, p: Params, x: Array) -> Int32s:
    """Int32 values without a zero point under the output's scale.

    Formula: QuantizeLeakyRelu in TFLite's reference/leaky_relu.h.
    """
    wide = x.astype(np.int32)
    below = rescale(wide, p["alpha_multiplier"], p["alpha_shift"])
    return np.where(wide < 0, below, rescale(wide, p["multiplier"], p["shift"]))


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int16 of n values to out int16."""
    out[...] = np.clip(bent(rescale, p, x), -32768, 32767).reshape(out.shape)


def leaky_factors(
    in_scale: float, alpha: float, out_scale: float, in_float: bool = False
) -> dict[str, int]:
    """The fields of tms_leaky_relu_s16_params for two scales and alpha >= 0.

    TFLite divides the scales in float32 (leaky_relu.cc, Prepare), TFLite Micro in float64.
    """
    real = np.float32 if in_float else np.float64
    x, slope, y = real(in_scale), real(alpha), real(out_scale)
    (multiplier, shift), (below, below_shift) = (
        quantize_multiplier(float(factor)) for factor in (x / y, x * slope / y)
    )
    return {
        "multiplier": multiplier,
        "alpha_multiplier": below,
        "shift": shift,
        "alpha_shift": below_shift,
    }


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Factors under and over one, a slope of zero, both ends."""
    x = rng.integers(-32768, 32768, 400).astype(np.int16)
    x[:4] = -32768, 32767, 0, -1
    return tuple(
        Example({"n": 400, **leaky_factors(*case)}, (x,), (400,), "int16")
        for case in ((0.0007, 0.3, 0.0006), (0.0001, 0.01, 0.003), (0.003, 0.0, 0.003))
    )


FIELDS = (
    ("n", "i32"), ("multiplier", "i32"), ("alpha_multiplier", "i32"),
    ("shift", "i8"), ("alpha_shift", "i8"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(
        name,
        "tms_leaky_relu_s16_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        in_place=True,
        elementwise=True,
    )
    for name, rescale in (
        ("tms_leaky_relu_s16", rescale_single),
        ("tms_leaky_relu_s16_dr", rescale_double),
    )
)
