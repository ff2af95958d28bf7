"""Fixed-point arithmetic against exact rational numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.compiler.fixed_point import (
    divide_by_pot,
    multiply_high,
    quantize_multiplier,
    quantize_multipliers,
    rescale_double,
    rescale_long,
    rescale_single,
)
from studio.compiler.kernels import requantize

int32s = st.integers(-(2**31), 2**31 - 1)
multipliers = st.integers(2**30, 2**31 - 1)


def half_up(exact: Fraction) -> int:
    return math.floor(exact + Fraction(1, 2))


def half_away(exact: Fraction) -> int:
    return half_up(exact) if exact >= 0 else -half_up(-exact)


def wide(x: int) -> np.ndarray:
    return np.array([x], np.int32)


@given(int32s, multipliers, st.integers(-31, 0))
def test_single_rounds_the_exact_product_once(x: int, multiplier: int, shift: int) -> None:
    exact = Fraction(x) * multiplier / 2 ** (31 - shift)
    assert rescale_single(wide(x), multiplier, shift)[0] == half_up(exact)


@given(int32s, multipliers, st.integers(-31, 0))
def test_double_rounds_to_32_bits_and_then_away_from_zero(x: int, m: int, shift: int) -> None:
    once = half_up(Fraction(x) * m / 2**31)
    assert rescale_double(wide(x), m, shift)[0] == half_away(Fraction(once, 2**-shift))


@given(st.integers(-(2**10), 2**10), multipliers, st.integers(0, 20))
def test_shifts_to_the_left_round_alike(x: int, multiplier: int, shift: int) -> None:
    exact = half_up(Fraction(x) * multiplier * 2**shift / 2**31)
    assert rescale_single(wide(x), multiplier, shift)[0] == exact
    assert rescale_double(wide(x), multiplier, shift)[0] == exact


@pytest.mark.parametrize(("source", "target"), requantize.PAIRS)
def test_a_requantise_beyond_32_bits_saturates(source: str, target: str) -> None:
    example = requantize.examples(source, target, np.random.default_rng(0))[-1]
    factor = Fraction(example.params["multiplier"]) / 2 ** (31 - example.params["shift"])
    exact = [half_up(int(x) * factor) for x in example.inputs[0]]
    assert max(exact) >= 2**33
    out = np.empty(len(exact), target)
    requantize.reference(rescale_long, example.params, example.inputs[0], out)
    limits = np.iinfo(target)
    assert out.tolist() == [min(max(y, limits.min), limits.max) for y in exact]


@given(int32s, multipliers)
def test_multiply_high_is_half_up(a: int, b: int) -> None:
    assert multiply_high(wide(a), b)[0] == half_up(Fraction(a * b, 2**31))


@given(int32s, st.integers(0, 31))
def test_divide_by_pot_is_half_away(x: int, exponent: int) -> None:
    assert divide_by_pot(wide(x), exponent)[0] == half_away(Fraction(x, 2**exponent))


def test_the_two_forms_differ_where_the_second_rounding_meets_a_tie() -> None:
    single = rescale_single(wide(-1), 1 << 30, 0), rescale_double(wide(-3), 1 << 30, -1)
    assert [int(y[0]) for y in single] == [0, -1]
    assert rescale_single(wide(-2), 1 << 30, -1)[0] == 0
    assert rescale_double(wide(-2), 1 << 30, -1)[0] == -1


@given(st.floats(2.0**-31, 2.0**29))
def test_a_quantized_multiplier_is_its_factor_to_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= 2.0**-31


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),
        (2.0**-40, (0, 0)),
        (2.0**-32, (1 << 30, -31)),
        (2.0**40, ((1 << 31) - 1, 30)),
    ],
)
def test_quantized_multipliers_at_the_limits(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


def test_many_factors_are_quantized_as_each_alone() -> None:
    factors = np.geomspace(1e-12, 1e12, 50)
    pairs = zip(*quantize_multipliers(factors), strict=True)
    assert [(int(m), int(s)) for m, s in pairs] == [quantize_multiplier(f) for f in factors]
