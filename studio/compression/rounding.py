"""Weights to integers: a search for the scale, and rounding that minds the inputs.

Matrices are [groups, outputs, inputs], scales [groups, outputs, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]
# (matrix, scale, bits, covariance of the inputs) -> integers
Rounding = Callable[[Real, Real, int, Real], Real]

_POINTS = 40
_SMALLEST = 0.3
_DAMPING = 0.01


def limit_of(bits: int) -> int:
    """The largest integer of symmetric weights: 7 or 127."""
    return int(2 ** (bits - 1)) - 1


def range_scales(matrix: Real, bits: int, per_channel: bool) -> Real:
    """The scale that keeps every weight."""
    axes = 2 if per_channel else (0, 1, 2)
    widest = np.abs(matrix).max(axis=axes, keepdims=True) / limit_of(bits)
    # A channel 2^16 times smaller than the largest rounds to nothing in any accumulator.
    widest = np.maximum(widest, widest.max() * 2.0**-16)
    return np.broadcast_to(np.where(widest > 0, widest, 1.0), (*matrix.shape[:2], 1))


def searched_scales(
    matrix: Real, bits: int, covariance: Real, rounding: Rounding, per_channel: bool, floor: float
) -> Real:
    """Of 40 scales between 0.3 and 1 of the range's, the one with the least error at the output.

    Args:
        matrix: float64 [groups, outputs, inputs].
        bits: of the integers.
        covariance: float64 [groups, inputs, inputs] of the inputs.
        rounding: how the integers of each tried scale are found.
        per_channel: one scale per output, or one for all.
        floor: the smallest scale allowed.
    """
    widest = range_scales(matrix, bits, per_channel)
    best, scale = np.full(widest.shape, np.inf), widest
    for factor in np.linspace(1.0, _SMALLEST, _POINTS):
        tried = as_float32(np.maximum(widest * factor, floor))
        error = rounding(matrix, tried, bits, covariance) * tried - matrix
        power = ((error @ covariance) * error).sum(axis=2, keepdims=True)
        if not per_channel:
            power = np.broadcast_to(power.sum(), power.shape)
        better = power < best
        best, scale = np.where(better, power, best), np.where(better, tried, scale)
    return as_float32(np.maximum(scale, floor))


def as_float32(scale: Real) -> Real:
    """The same numbers at the precision in which scales are stored."""
    return scale.astype(np.float32).astype(np.float64)


def nearest(matrix: Real, scale: Real, bits: int, covariance: Real) -> Real:
    """Each weight by itself to the nearest integer; arguments as `gptq`."""
    limit = limit_of(bits)
    return np.clip(np.rint(matrix / scale), -limit, limit)


def gptq(matrix: Real, scale: Real, bits: int, covariance: Real) -> Real:
    """Column after column, each column's error made good by those that follow.

    The order is that of falling variance (Frantar et al., arXiv 2210.17323).

    Args:
        matrix: float64 [groups, outputs, inputs].
        scale: float64 [groups, outputs, 1].
        bits: of the integers.
        covariance: float64 [groups, inputs, inputs] of the inputs.
    """
    limit = limit_of(bits)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    order = np.argsort(-variance, axis=1, kind="stable")
    groups = np.arange(len(matrix))[:, None]
    hessian = covariance[groups[:, :, None], order[:, :, None], order[:, None, :]]
    damping = _DAMPING * variance.mean(axis=1) + 1e-12 + 1e-12 * variance.max()
    hessian = hessian + damping[:, None, None] * np.eye(matrix.shape[2])
    factor = np.linalg.cholesky(np.linalg.inv(hessian)).transpose(0, 2, 1)
    left = np.take_along_axis(matrix, order[:, None, :], axis=2)
    stored = np.empty_like(left)
    for column in range(left.shape[2]):
        steps = np.clip(np.rint(left[:, :, column] / scale[:, :, 0]), -limit, limit)
        error = left[:, :, column] - steps * scale[:, :, 0]
        error = error / factor[:, column, column, None]
        left[:, :, column:] -= error[:, :, None] * factor[:, None, column, column:]
        stored[:, :, column] = steps
    result = np.empty_like(stored)
    np.put_along_axis(result, np.broadcast_to(order[:, None, :], stored.shape), stored, axis=2)
    return result
