"""Samples in pieces along time."""

from __future__ import annotations

import numpy as np
import pytest

from studio.model.hops import hop_axis, hops


@pytest.mark.parametrize(
    ("sample", "shape", "axis"),
    [
        ((6, 100), (6, 4), 1),
        ((100, 6), (4, 6), 0),
        ((1960,), (80,), 0),
        ((6, 4), (6, 4), None),
        ((6, 2), (6, 4), None),
        ((7, 100), (6, 4), None),
        ((600,), (6, 4), None),
    ],
)
def test_time_is_the_only_axis_that_is_longer(sample, shape, axis):
    assert hop_axis(sample, shape) == axis


def test_zeros_come_before_a_sample_that_fills_no_whole_pieces():
    pieces = hops(np.arange(1, 11).reshape(2, 5), (2, 2))
    np.testing.assert_array_equal(pieces, [[[0, 1], [0, 6]], [[2, 3], [7, 8]], [[4, 5], [9, 10]]])


def test_a_sample_that_fits_comes_in_one_piece():
    (piece,) = hops(np.ones((2, 3)), (2, 3))
    assert piece.shape == (2, 3)
