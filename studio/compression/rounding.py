"""Weights to integers: a search for the scale, and rounding that minds the inputs.

Matrices are [groups, outputs, inputs], scales [groups, outputs, 1].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

_POINTS = 40
_SMALLEST = 0.3
_DAMPING = 0.01


def limit_of(bits: int) -> int:
    """The largest integer of symmetric weights: 7 or 127."""
    return int(2 ** (bits - 1)) - 1


def searched_scales(matrix: Real, bits: int, per_channel: bool) -> Real:
    """The scale with the least squared error among 40 between 0.3 and 1 of the range's."""
    limit, axes = limit_of(bits), 2 if per_channel else (0, 1, 2)
    widest = np.abs(matrix).max(axis=axes, keepdims=True) / limit
    widest = np.where(widest > 0, widest, 1.0)
    best, scale = np.full(widest.shape, np.inf), widest
    for factor in np.linspace(1.0, _SMALLEST, _POINTS):
        tried = widest * factor
        error = np.square(matrix - nearest(matrix, tried, bits) * tried)
        error = error.sum(axis=axes, keepdims=True)
        better = error < best
        best, scale = np.where(better, error, best), np.where(better, tried, scale)
    return np.broadcast_to(scale, (*matrix.shape[:2], 1))


def nearest(matrix: Real, scale: Real, bits: int) -> Real:
    """Each weight by itself to the nearest integer."""
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
