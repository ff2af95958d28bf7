"""Sigmoid and tanh in integers: how near they are to the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from studio.compiler import fixed_sigmoid

X = np.arange(-32768, 32768)


def exact(function: str, scale: float) -> np.ndarray:
    real = X * scale
    y = np.tanh(real) if function == "tanh" else 1 / (1 + np.exp(-real))
    return np.clip(np.rint(32768 * y), -32768, 32767)


@pytest.mark.parametrize("scale", [*(2.0**-k for k in range(6, 24)), 0.000271, 0.0013])
def test_parabolas_are_at_most_one_step_off_at_any_scale(scale):
    factor = fixed_sigmoid.knot_factor(scale)
    for function in ("sigmoid", "tanh"):
        found = getattr(fixed_sigmoid, f"near_{function}")(X, factor)
        assert np.abs(np.clip(found, -32768, 32767) - exact(function, scale)).max() <= 1


@pytest.mark.parametrize("bits", range(7))
def test_those_of_litert_are_functions_of_the_same_shape(bits):
    for function, found in (
        ("sigmoid", fixed_sigmoid.logistic(X, bits)),
        ("tanh", fixed_sigmoid.tanh(X, bits)),
    ):
        assert np.abs(found - exact(function, 2.0 ** (bits - 15))).max() <= 12
        assert found.min() >= -32767
        assert found.max() <= 32767
