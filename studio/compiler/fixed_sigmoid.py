"""Sigmoid and tanh of int16 as LiteRT's reference LSTM computes them, in 16-bit fixed point.

A number of k integer bits is int16 / 2^(15 - k). Formulas: logistic, tanh, exp_on_negative_values
and one_over_one_plus_x_for_x_in_0_1 in gemmlowp's fixedpoint/fixedpoint.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.fixed_point import divide_by_pot

Ints = npt.NDArray[np.int64]

ONE = 32767
POWERS = ((-2, 25520), (-1, 19875), (0, 12055), (1, 4435), (2, 600), (3, 11), (4, 0))
"""(e, exp(-2^e) in 0 integer bits): each bit of the exponent has its factor."""
EXP_EIGHTH = 28918  # exp(-1/8)
THIRD = 10923
FIRST_GUESS = 23130, -15420  # 48/17 and -32/17 in 2 integer bits


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
