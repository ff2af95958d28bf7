"""TFLite's fixed-point arithmetic in numpy: real factors as a 32-bit multiplier and a shift.

A factor is multiplier * 2^(shift - 31); shift > 0 is to the left. `rescale_single` rounds the
64-bit product once; `rescale_double` rounds it to 32 bits and once more when it shifts right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.signedinteger[Any]]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Rescale = Callable[[Ints, Any, Any], Int32s]


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A non-negative real factor as (multiplier, shift); see `quantize_multipliers`."""
    multipliers, shifts = quantize_multipliers(np.array([real]))
    return int(multipliers[0]), int(shifts[0])


def quantize_multipliers(real: npt.ArrayLike) -> tuple[Int32s, npt.NDArray[np.int8]]:
    """Non-negative real factors as int32 multipliers in [2^30, 2^31) and int8 shifts in [-31, 30].

    Zero and what is too small become 0; what is too large becomes the largest factor.
    Formula: QuantizeMultiplier in TFLite's kernels/internal/quantization_util.cc.
    """
    mantissa, exponent = np.frexp(np.asarray(real, dtype=np.float64))
    multiplier = np.floor(mantissa * 2.0**31 + 0.5).astype(np.int64)
    carried = multiplier == 1 << 31
    multiplier = np.where(carried, 1 << 30, multiplier)
    shift = exponent + carried
    multiplier = np.where(shift < -31, 0, np.where(shift > 30, (1 << 31) - 1, multiplier))
    shift = np.where(shift < -31, 0, np.minimum(shift, 30))
    return multiplier.astype(np.int32), shift.astype(np.int8)


def rescale_single(x: Ints, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int32s:
    """Multiply x by multiplier * 2^(shift - 31), rounding once, half up.

    Formula: MultiplyByQuantizedMultiplier with TFLITE_SINGLE_ROUNDING in TFLite's
    kernels/internal/common.cc. The arguments broadcast; x holds int32 values.
    """
    return rescale_long(x, multiplier, shift).astype(np.int32)


def rescale_long(x: Ints, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64s:
    """As `rescale_single`, not cut to 32 bits."""
    right = 31 - np.asarray(shift, dtype=np.int64)
    product = np.asarray(x, dtype=np.int64) * np.asarray(multiplier, dtype=np.int64)
    rounded: Int64s = (product + (np.int64(1) << (right - 1))) >> right
    return rounded


def rescale_double(x: Ints, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int32s:
    """Multiply x by multiplier * 2^(shift - 31), rounding half up, then half away from zero.

    Formula: MultiplyByQuantizedMultiplier without TFLITE_SINGLE_ROUNDING in TFLite's
    kernels/internal/common.cc. The arguments broadcast; x holds int32 values.
    """
    left = np.maximum(np.asarray(shift, dtype=np.int64), 0)
    shifted = (np.asarray(x, dtype=np.int64) << left).astype(np.int32)
    return divide_by_pot(multiply_high(shifted, multiplier), left - shift)


def rescale_wide(x: Ints, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int32s:
    """Multiply 64-bit x by multiplier * 2^(shift - 31), from whose multiplier 16 bits are kept.

    Formula: MultiplyByQuantizedMultiplier of int64 in TFLite's kernels/internal/common.cc.
    """
    whole = np.asarray(multiplier, dtype=np.int64)
    reduced = np.where(whole < 0x7FFF0000, (whole + (1 << 15)) >> 16, 0x7FFF)
    right = 15 - np.asarray(shift, dtype=np.int64)
    product = np.asarray(x, dtype=np.int64) * reduced
    return ((product + (np.int64(1) << (right - 1))) >> right).astype(np.int32)


def multiply_high(a: Ints, b: npt.ArrayLike) -> Int32s:
    """Compute a * b / 2^31 of int32 values, rounded half up.

    Formula: gemmlowp's SaturatingRoundingDoublingHighMul; its one saturating case, both factors
    -2^31, does not arise.
    """
    product = np.asarray(a, dtype=np.int64) * np.asarray(b, dtype=np.int64)
    return ((product + (1 << 30)) >> 31).astype(np.int32)


def divide_by_pot(x: Ints, exponent: npt.ArrayLike) -> Int32s:
    """Divide int32 values by 2^exponent, rounding half away from zero.

    Formula: gemmlowp's RoundingDivideByPOT.
    """
    wide = np.asarray(x, dtype=np.int64)
    bits = np.asarray(exponent, dtype=np.int64)
    mask = (np.int64(1) << bits) - 1
    threshold = (mask >> 1) + (wide < 0)
    return ((wide >> bits) + ((wide & mask) > threshold)).astype(np.int32)
