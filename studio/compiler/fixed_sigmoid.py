"""Sigmoid and tanh of int16 in integers: as exact as 16 bits are, and as LiteRT computes them.

`near_sigmoid` and `near_tanh` follow parabolas through knots of the curve, and are at most one step
off at any scale. `logistic` and `tanh` are those of LiteRT's reference LSTM, up to 12 steps off:
a number of k integer bits is int16 / 2^(15 - k) there. Formulas of the latter: logistic, tanh,
exp_on_negative_values and one_over_one_plus_x_for_x_in_0_1 in gemmlowp's fixedpoint/fixedpoint.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.fixed_point import divide_by_pot

Ints = npt.NDArray[np.int64]

KNOTS = np.minimum(np.rint(65536 / (1 + np.exp(-np.arange(288) / 24))), 65535).astype(np.uint16)
"""sigmoid(i / 24) in 1/65536."""
LAST = 285  # where the curve is at its end
KNOT_BITS = 16  # of the place between two knots
FACTOR_BITS = 12  # more of the factor that leads there

ONE = 32767
POWERS = ((-2, 25520), (-1, 19875), (0, 12055), (1, 4435), (2, 600), (3, 11), (4, 0))
"""(e, exp(-2^e) in 0 integer bits): each bit of the exponent has its factor."""
EXP_EIGHTH = 28918  # exp(-1/8)
THIRD = 10923
FIRST_GUESS = 23130, -15420  # 48/17 and -32/17 in 2 integer bits


def knot_factor(scale: float) -> int:
    """What takes int16 of a scale to places among the knots, a part of 2^28 of them."""
    return round(scale * 24 * (1 << KNOT_BITS + FACTOR_BITS))


def near_sigmoid(x: npt.NDArray[Any], factor: int) -> Ints:
    """Sigmoid of x in 1/32768."""
    y = _on_parabola(np.abs(x.astype(np.int64)) * factor >> FACTOR_BITS)
    return (np.where(x < 0, (1 << 32) - y, y) + (1 << 16)) >> 17


def near_tanh(x: npt.NDArray[Any], factor: int) -> Ints:
    """Hyperbolic tangent of x, 2 sigmoid(2 x) - 1, in 1/32768."""
    place = (np.abs(x.astype(np.int64)) * factor >> FACTOR_BITS) * 2
    y = (_on_parabola(place) - (1 << 31) + (1 << 15)) >> 16
    return np.where(x < 0, -y, y)


def _on_parabola(place: Ints) -> Ints:
    """Sigmoid of a place >= 0 among the knots, in 1/2^32: Newton's form through three of them."""
    knot, t = np.minimum(place >> KNOT_BITS, LAST), place & 0xFFFF
    y0, y1, y2 = (KNOTS[knot + i].astype(np.int64) for i in range(3))
    y = (y0 << 16) + t * (y1 - y0) + (t * (t - 65536) >> 17) * (y2 - 2 * y1 + y0)
    return np.where(place >> KNOT_BITS >= LAST, 1 << 32, y)


def logistic(x: npt.NDArray[Any], bits: int) -> Ints:
    """Sigmoid of x with `bits` integer bits; the result has none."""
    wide = x.astype(np.int64)
    y = np.minimum(_reciprocal(_exp(-np.abs(wide), bits)) * 2, ONE)
    return np.where(wide == 0, 1 << 14, np.where(wide > 0, y, ONE - y))


def tanh(x: npt.NDArray[Any], bits: int) -> Ints:
    """Hyperbolic tangent of x with `bits` integer bits; the result has none."""
    wide = x.astype(np.int64)
    y = np.minimum((_reciprocal(_exp(-np.abs(wide), bits + 1)) - (1 << 13)) * 4, ONE)
    return np.where(wide == 0, 0, np.where(wide > 0, y, -y))


def _product(a: Ints | int, b: Ints | int) -> Ints:
    rounded: Ints = (np.asarray(a, np.int64) * b + (1 << 14)) >> 15
    return rounded


def _exp(a: Ints, bits: int) -> Ints:
    """The exponential of a <= 0 with `bits` integer bits; the result has none."""
    quarter = 1 << (13 - bits)
    rest = (a & (quarter - 1)) - quarter
    x = np.clip(rest << bits, -32768, ONE) + (1 << 12)
    x2 = _product(x, x)
    x3, x4 = _product(x2, x), _product(x2, x2)
    tail = divide_by_pot(_product(divide_by_pot(x4, 2) + x3, THIRD) + x2, 1)
    y = np.minimum(EXP_EIGHTH + _product(x + tail, EXP_EIGHTH), ONE)
    for exponent, factor in POWERS:
        if bits > exponent:
            taken = (rest - a) >> (15 - bits + exponent) & 1
            y = np.where(taken != 0, _product(y, factor), y)
    if bits > 5:
        y = np.where(a < -(1 << (20 - bits)), 0, y)
    return np.where(a == 0, ONE, y)


def _reciprocal(a: Ints) -> Ints:
    """2 / (1 + a) in 2 integer bits, of a in [0, 1) with none, by Newton's method."""
    half = (a + ONE + 1) >> 1
    x = FIRST_GUESS[0] + _product(half, FIRST_GUESS[1])
    for _ in range(3):
        x = x + _product(x, (1 << 13) - _product(half, x)) * 4
    return x
