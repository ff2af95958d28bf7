"""exp, tanh and sigmoid in float32, bit for bit what runtime_c/src/tms_math.h computes.

The same float32 operations in the same order, vectorised over elements. A computed NaN is
always numpy's own (0x7fc00000), as in `tms_float.h`, for processors disagree on its sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]

_NAN = np.float32(np.nan)
_LOG2_E = np.float32(1.442695)
_LN2_HIGH = np.float32(0.693145751953125)  # 15 bits: its multiples by an exponent are exact
_LN2_LOW = np.float32(1.4286068e-06)
_EXP = tuple(np.float32(c) for c in (0.001395172, 0.008369599, 0.041666187, 0.16666512, 0.5))
_TANH = tuple(
    np.float32(c) for c in (-0.0057170424, 0.020650584, -0.053743497, 0.13331491, -0.33333284)
)


def one_nan(x: F32) -> F32:
    """Replace every NaN by the one NaN that kernels write."""
    return np.where(x == x, x, _NAN)


def clip(x: F32, low: Any, high: Any) -> F32:
    """Bring x into [low, high]; NaN stays NaN, a zero keeps its sign."""
    low, high = np.float32(low), np.float32(high)
    return one_nan(np.where(x < low, low, np.where(x > high, high, x)))


@np.errstate(all="ignore")
def exp(x: F32) -> F32:
    """e^x, float32 of any shape, within 1.1 ulp, denormal results included."""
    usual = (x >= np.float32(-104)) & (x < np.float32(89))
    safe = np.where(usual, x, np.float32(0))
    nearest = safe * _LOG2_E + np.where(safe < 0, np.float32(-0.5), np.float32(0.5))
    n = nearest.astype(np.int32)
    k = n.astype(np.float32)
    r = (safe - k * _LN2_HIGH) - k * _LN2_LOW
    y = np.float32(1) + (r + (r * r) * _horner(_EXP, r))
    half = n // 2  # only the second factor can round, so any way of halving gives the same
    y = (y * _power_of_two(half)) * _power_of_two(n - half)
    extreme = np.where(x > 0, np.float32(np.inf), np.where(x <= 0, np.float32(0), _NAN))
    return np.where(usual, y, extreme)


@np.errstate(all="ignore")
def sigmoid(x: F32) -> F32:
    """1 / (1 + e^-x), float32 of any shape, within 3 ulp."""
    e = exp(np.where(x < 0, x, -x))
    larger = np.float32(1) / (np.float32(1) + e)
    return one_nan(np.where(x < 0, e * larger, larger))


@np.errstate(all="ignore")
def tanh(x: F32) -> F32:
    """Hyperbolic tangent, float32 of any shape, within 1.5 ulp."""
    a = np.abs(x)
    z = a * a
    near = a + a * (z * _horner(_TANH, z))
    far = np.float32(1) - np.float32(2) / (exp(np.float32(2) * a) + np.float32(1))
    return one_nan(np.copysign(np.where(a < np.float32(0.625), near, far), x))


def _horner(coefficients: tuple[np.float32, ...], x: F32) -> F32:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _power_of_two(n: npt.NDArray[np.int32]) -> F32:
    return ((n + 127) << 23).astype(np.int32).view(np.float32)
