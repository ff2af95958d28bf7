"""tms_softmax_s8 and tms_softmax_s8_s16: softmax over each of several vectors.

Fixed point: Qi.f has i integer and f fraction bits beside the sign; all are int32.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Int32s,
    divide_by_pot,
    multiply_high,
    quantize_multiplier,
)
from studio.compiler.kernel import Array, Example, Kernel, Params

FIELDS = (
    ("rows", "i32"),
    ("n", "i32"),
    ("multiplier", "i32"),
    ("shift", "i8"),
    ("diff_min", "i32"),
)

DIFFERENCE_BITS = 5  # integer bits of scaled differences, Q5.26
SUM_BITS = 12  # integer bits of the sum of exponentials
# exp(-2^k) for k = -2 .. 4, Q0.31
POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def softmax_factors(in_scale: float, beta: float = 1.0) -> dict[str, int]:
    """The fields multiplier, shift and diff_min for an input scale.

    Formula: PreprocessSoftmaxScaling and CalculateInputRadius in TFLite's
    kernels/internal/quantization_util.cc.
    """
    fraction_bits = 31 - DIFFERENCE_BITS
    real = min(beta * in_scale * 2.0**fraction_bits, 2.0**31 - 1)
    multiplier, shift = quantize_multiplier(real)
    radius = ((1 << DIFFERENCE_BITS) - 1) * 2.0 ** (fraction_bits - shift)
    return {"multiplier": multiplier, "shift": shift, "diff_min": -int(radius)}


def reference(bits: int, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [rows, n] to out [rows, n], of any shapes of those sizes; n is at most 8191.

    The scale of out is 2^-bits, its zero point the least value of its type.

    Formula: Softmax in TFLite's reference/softmax.h over gemmlowp's fixedpoint.h.
    """
    vectors = x.reshape(p["rows"], p["n"]).astype(np.int32)
    difference = vectors - vectors.max(axis=1, keepdims=True)
    counts = difference >= p["diff_min"]
    shifted = np.where(counts, difference, 0).astype(np.int64) << p["shift"]
    power = exp_negative(multiply_high(shifted, p["multiplier"]))
    terms = np.where(counts, divide_by_pot(power, SUM_BITS), 0)
    reciprocal, exponent = _reciprocal(terms.sum(axis=1, keepdims=True, dtype=np.int64))
    right = exponent + 31 - bits
    share = multiply_high(reciprocal, power).astype(np.int64)
    y = np.where(counts, (share + (np.int64(1) << (right - 1))) >> right, 0)
    half = 1 << (bits - 1)
    out[...] = np.clip(y - half, -half, half - 1).reshape(out.shape)


def exp_negative(a: Int32s) -> Int32s:
    """exp(a), Q0.31, for a <= 0 in Q5.26 (gemmlowp's exp_on_negative_values)."""
    quarter = 1 << 24
    rest = (a & (quarter - 1)) - quarter
    bits = rest - a
    result = _exp_quarter(rest << DIFFERENCE_BITS)
    for k, power in enumerate(POWERS):
        result = np.where(bits & (quarter << k), multiply_high(result, power), result)
    return np.where(a == 0, np.int32(2**31 - 1), result)


def _exp_quarter(a: Int32s) -> Int32s:
    """exp(a) for -1/4 <= a < 0, Q0.31: Taylor's series about -1/8 to the fourth power."""
    exp_eighth, third = np.int32(1895147668), 715827883
    x = a + np.int32(1 << 28)
    x2 = multiply_high(x, x)
    x3, x4 = multiply_high(x2, x), multiply_high(x2, x2)
    higher = multiply_high(divide_by_pot(x4, 2) + x3, third) + x2
    return exp_eighth + multiply_high(x + divide_by_pot(higher, 1), exp_eighth)


def _reciprocal(total: Array) -> tuple[Array, Array]:
    """(r, e): 1 / total = r * 2^-e, r in Q0.31, for a positive Q12.19 (TFLite's GetReciprocal).

    Three of Newton's steps on half the mantissa, in Q2.29
    (gemmlowp's one_over_one_plus_x_for_x_in_0_1).
    """
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    rest = (total << (32 - bits)) - (1 << 31)
    half = (rest + (1 << 31)) >> 1
    x = np.int64(1515870810) + multiply_high(half, -1010580540)
    for _ in range(3):
        miss = (1 << 29) - multiply_high(half, x)
        x = x + _saturate(np.asarray(multiply_high(x, miss), dtype=np.int64) << 2)
    return _saturate(x << 1), SUM_BITS - (32 - bits)


def _saturate(x: Array) -> Array:
    return np.clip(x, -(2**31), 2**31 - 1)


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """Few and many classes, small and large scales, ties, a far winner, a scale out of range."""
    ties = np.full((1, 600), 5, np.int8)
    winner = np.array([[127, -128, -128, 3]], np.int8)
    return (
        _example(dtype, rng.integers(-128, 128, (3, 10), dtype=np.int8), 0.1),
        _example(dtype, rng.integers(-128, 128, (2, 300), dtype=np.int8), 0.02),
        _example(dtype, rng.integers(-128, 128, (40, 2), dtype=np.int8), 0.07),
        _example(dtype, ties, 0.05),
        _example(dtype, winner, 0.5),
        _example(dtype, winner, 40.0),
        _example(dtype, np.array([[-128]], np.int8), 0.004),
    )


def _example(dtype: str, x: Array, in_scale: float) -> Example:
    rows, n = x.shape
    params = {"rows": rows, "n": n, **softmax_factors(in_scale)}
    return Example(params, (x,), (rows, n), dtype)


KERNELS = tuple(
    Kernel(
        name,
        "tms_softmax_s8_params",
        FIELDS,
        partial(reference, np.iinfo(dtype).bits),
        partial(examples, dtype),
        in_place=dtype == "int8",
    )
    for name, dtype in (("tms_softmax_s8", "int8"), ("tms_softmax_s8_s16", "int16"))
)
