"""Functions of float32, bit for bit what runtime_c/src/tms_math.h computes.

The same float32 operations in the same order, vectorised over elements. A computed NaN is
always numpy's own (0x7fc00000), as in `tms_float.h`, for processors disagree on its sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]

_NAN, _ONE = np.float32(np.nan), np.float32(1)
_LEAST = np.float32(1.17549435e-38)  # the least normal number
_LOG2_E = np.float32(1.442695)
_LN2_HIGH = np.float32(0.693145751953125)  # 15 bits: its multiples by an exponent are exact
_LN2_LOW = np.float32(1.4286068e-06)
_EXP = tuple(np.float32(c) for c in (0.001395172, 0.008369599, 0.041666187, 0.16666512, 0.5))
_TANH = tuple(
    np.float32(c) for c in (-0.0057170424, 0.020650584, -0.053743497, 0.13331491, -0.33333284)
)
_LOG = tuple(
    np.float32(c)
    for c in (
        0.06747117, -0.11787253, 0.11952392, -0.12389999, 0.14207582, -0.16668527, 0.20002823,
        -0.2500001, 0.333333,
    )
)  # fmt: skip
_ERF = tuple(
    np.float32(c)
    for c in (
        7.889123e-05, -0.0008020842, 0.0051895357, -0.026854444, 0.112836, -0.37612626, 1.1283791,
    )
)  # fmt: skip
_ERFC = tuple(
    np.float32(c)
    for c in (-0.22756897, 0.62742823, -0.053920686, 0.39082932, 0.26138362, 0.0016339064)
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


def absolute(x: F32) -> F32:
    """The absolute value."""
    return one_nan(np.abs(x))


def negative(x: F32) -> F32:
    """The value with the other sign."""
    return one_nan(-x)


@np.errstate(all="ignore")
def divide(a: F32, b: F32) -> F32:
    """A / b; denormal quotients, and the least normal one, become zeros."""
    y = a / b
    return one_nan(np.where(np.abs(y) <= _LEAST, np.copysign(np.float32(0), y), y))


def reciprocal(x: F32) -> F32:
    """1 / x."""
    return divide(np.ones_like(x), x)


@np.errstate(all="ignore")
def log(x: F32) -> F32:
    """Natural logarithm, float32 of any shape, within 2 ulp."""
    denormal = x < _LEAST
    bits = np.where(denormal, x * np.float32(8388608), x).view(np.int32)
    large = ((bits & 0x7FFFFF) >= 0x3504F3).astype(np.int32)
    k = ((bits >> 23) - 127 + large - np.where(denormal, 23, 0)).astype(np.float32)
    f = ((bits & 0x7FFFFF) | ((127 - large) << 23)).astype(np.int32).view(np.float32) - _ONE
    z = f * f
    p = (z * f) * _horner(_LOG, f) + k * _LN2_LOW
    y = k * _LN2_HIGH + (f + (p - np.float32(0.5) * z))
    ends = np.where(x == 0, -np.float32(np.inf), np.where(x > 0, x, _NAN))
    return np.where((x > 0) & (x < np.inf), y, ends)


@np.errstate(all="ignore")
def sqrt(x: F32) -> F32:
    """Square root, rounded correctly."""
    return one_nan(np.sqrt(x))


@np.errstate(all="ignore")
def floor(x: F32) -> F32:
    """The largest whole number that is not larger."""
    return one_nan(np.floor(x))


@np.errstate(all="ignore")
def ceil(x: F32) -> F32:
    """The smallest whole number that is not smaller."""
    return one_nan(np.ceil(x))


@np.errstate(all="ignore")
def round_even(x: F32) -> F32:
    """The nearest whole number, the even one of two."""
    return one_nan(np.rint(x))


@np.errstate(all="ignore")
def erf(x: F32) -> F32:
    """The error function, float32 of any shape, within 2e-7."""
    a = np.abs(x)
    z = a * a
    near = x * _horner(_ERF, z)
    t = _ONE / (_ONE + np.float32(0.5) * a)
    far = np.copysign(_ONE - exp(-z) * _horner(_ERFC, t), x)
    end = np.where(a == a, np.copysign(_ONE, x), _NAN)
    return np.where(a < _ONE, near, np.where(a < np.float32(4), far, end))


@np.errstate(all="ignore")
def softplus(x: F32) -> F32:
    """ln(1 + e^x)."""
    e = exp(-np.abs(x))
    u = _ONE + e
    small = np.where(u <= _ONE, e, log(u) * (e / (u - _ONE)))
    return one_nan(np.where(x >= 0, x + small, small))


@np.errstate(all="ignore")
def softsign(x: F32) -> F32:
    """X / (1 + |x|)."""
    a = np.abs(x)
    return np.where(a == np.inf, np.copysign(_ONE, x), one_nan(x * (_ONE / (_ONE + a))))


@np.errstate(all="ignore")
def gelu(x: F32) -> F32:
    """X (1 + erf(x / sqrt 2)) / 2."""
    y = (np.float32(0.5) * x) * (_ONE + erf(x * np.float32(0.70710677)))
    return np.where(x == -np.inf, -np.float32(0), one_nan(y))


@np.errstate(all="ignore")
def gelu_tanh(x: F32) -> F32:
    """X (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    inner = x + np.float32(0.044715) * ((x * x) * x)
    y = x * sigmoid(np.float32(1.5957691) * inner)
    return np.where(x == -np.inf, -np.float32(0), one_nan(y))


@np.errstate(all="ignore")
def power(x: F32, y: F32) -> F32:
    """x^y of two arrays of one shape; the relative error grows to 1e-5 where x^y is far from 1."""
    size = exp(y * log(np.abs(x)))
    whole = np.trunc(y) == y
    odd = whole & (np.abs(y) < 16777216) & (np.where(np.abs(y) < 16777216, y, 0) % 2 != 0)
    signed = np.where(odd, -size, np.where(~whole & (x < 0) & (x > -np.inf), _NAN, size))
    z = np.where(np.signbit(x), signed, size)
    return np.where((y == 0) | (x == 1), _ONE, np.where((x != x) | (y != y), _NAN, z))


@np.errstate(all="ignore")
def leaky_relu(x: F32, alpha: Any, beta: Any = 0) -> F32:
    """X, and alpha x below zero."""
    return one_nan(np.where(x < 0, np.float32(alpha) * x, x))


@np.errstate(all="ignore")
def elu(x: F32, alpha: Any, beta: Any = 0) -> F32:
    """X, and alpha (e^x - 1) below zero."""
    return one_nan(np.where(x < 0, np.float32(alpha) * (exp(x) - _ONE), x))


@np.errstate(all="ignore")
def hard_sigmoid(x: F32, alpha: Any, beta: Any) -> F32:
    """Alpha x + beta within 0 and 1."""
    return clip(np.float32(alpha) * x + np.float32(beta), 0, 1)


@np.errstate(all="ignore")
def hard_swish(x: F32, alpha: Any, beta: Any) -> F32:
    """X times alpha x + beta within 0 and 1."""
    return one_nan(x * hard_sigmoid(x, alpha, beta))


@np.errstate(all="ignore")
def swish(x: F32, alpha: Any, beta: Any = 0) -> F32:
    """X sigmoid(alpha x)."""
    return one_nan(x * sigmoid(np.float32(alpha) * x))


def _horner(coefficients: tuple[np.float32, ...], x: F32) -> F32:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _power_of_two(n: npt.NDArray[np.int32]) -> F32:
    return ((n + 127) << 23).astype(np.int32).view(np.float32)
