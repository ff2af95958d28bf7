"""Weights to integers: a search for the scale, and rounding that minds the inputs.

Matrices are [groups, outputs, inputs], scales [groups, outputs, 1], covariances of the inputs
[groups, inputs, inputs].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]
# (matrix, scale, bits) -> integers
Rounder = Callable[[Real, Real, int], Real]
# Covariance of the inputs -> Rounder; what depends on the inputs alone is computed once.
Rounding = Callable[[Real], Rounder]

_POINTS = 40
_SMALLEST = 0.3
_DAMPING = 0.01
_COLUMNS_AT_ONCE = 64
_NUMBERS_AT_ONCE = 1 << 20


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
    rounder = rounding(covariance)
    factors = np.linspace(1.0, _SMALLEST, _POINTS)
    widest = range_scales(matrix, bits, per_channel)
    tried = as_float32(np.maximum(widest[:, None] * factors[:, None, None], floor))
    pieces = min(_POINTS, -(-_POINTS * matrix.size // _NUMBERS_AT_ONCE))
    noise = np.concatenate(
        [
            _noise(matrix, scales, bits, covariance, rounder)
            for scales in np.array_split(tried, pieces, axis=1)
        ],
        axis=1,
    )
    if not per_channel:
        noise = np.broadcast_to(noise.sum(axis=(0, 2), keepdims=True), noise.shape)
    least = noise.argmin(axis=1)[:, None, :, None]
    return np.asarray(np.take_along_axis(tried, least, axis=1)[:, 0])


def _noise(matrix: Real, tried: Real, bits: int, covariance: Real, rounder: Rounder) -> Real:
    """Error at each output for each of some scales [groups, scales, outputs, 1], side by side."""
    groups, points, outputs, _ = tried.shape
    rows = np.tile(matrix, (1, points, 1))
    scale = tried.reshape(groups, -1, 1)
    error = rounder(rows, scale, bits) * scale - rows
    return np.asarray(((error @ covariance) * error).sum(axis=2).reshape(groups, points, outputs))


def as_float32(scale: Real) -> Real:
    """The same numbers at the precision in which scales are stored."""
    return scale.astype(np.float32).astype(np.float64)


def nearest(covariance: Real) -> Rounder:
    """Each weight by itself to the nearest integer, whatever the inputs."""
    return _nearest


def _nearest(matrix: Real, scale: Real, bits: int) -> Real:
    limit = limit_of(bits)
    return np.clip(np.rint(matrix / scale), -limit, limit)


def gptq(covariance: Real) -> Rounder:
    """Column after column, each column's error made good by those that follow.

    The order is that of falling variance; errors reach far columns by blocks (Frantar et al.,
    arXiv 2210.17323).
    """
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    order = np.argsort(-variance, axis=1, kind="stable")
    groups = np.arange(len(order))[:, None]
    hessian = covariance[groups[:, :, None], order[:, :, None], order[:, None, :]]
    damping = _DAMPING * variance.mean(axis=1) + 1e-12 + 1e-12 * variance.max()
    hessian = hessian + damping[:, None, None] * np.eye(order.shape[1])
    factor = np.linalg.cholesky(np.linalg.inv(hessian)).transpose(0, 2, 1)

    def rounded(matrix: Real, scale: Real, bits: int) -> Real:
        left = np.take_along_axis(matrix, order[:, None, :], axis=2)
        stored = np.empty_like(left)
        for begin in range(0, left.shape[2], _COLUMNS_AT_ONCE):
            block = slice(begin, begin + _COLUMNS_AT_ONCE)
            part, errors = left[:, :, block], np.empty_like(left[:, :, block])
            for index, mix in enumerate(factor[:, block, block].transpose(1, 0, 2)):
                steps = _nearest(part[:, :, index, None], scale, bits)
                error = (part[:, :, index, None] - steps * scale) / mix[:, None, index, None]
                part[:, :, index:] -= error * mix[:, None, index:]
                stored[:, :, begin + index], errors[:, :, index] = steps[..., 0], error[..., 0]
            left[:, :, block.stop :] -= errors @ factor[:, block, block.stop :]
        result = np.empty_like(stored)
        np.put_along_axis(result, np.broadcast_to(order[:, None, :], stored.shape), stored, axis=2)
        return result

    return rounded
