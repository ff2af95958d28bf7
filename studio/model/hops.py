"""Samples that are longer than what a model with state takes in one run: they come in hops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def hop_axis(sample: Sequence[int], shape: Sequence[int]) -> int | None:
    """The axis of time: the only one along which a sample is longer than a model's input.

    Args:
        sample: shape of a sample.
        shape: what the model takes, without the batch axis.

    Returns:
        The axis, or None where the shapes are equal or differ otherwise.
    """
    if len(sample) != len(shape):
        return None
    axes = [axis for axis, (a, b) in enumerate(zip(sample, shape, strict=True)) if a != b]
    return axes[0] if len(axes) == 1 and sample[axes[0]] > shape[axes[0]] else None


def hops(sample: Array, shape: Sequence[int]) -> list[Array]:
    """A sample in the pieces that go in one after the other; in one where it fits as it is.

    Zeros come before a sample that is no multiple of a piece, so that it ends with the last one.
    """
    axis = hop_axis(sample.shape, shape)
    if axis is None:
        return [sample]
    rows, hop = sample.shape[axis], shape[axis]
    room = [(-rows % hop if a == axis else 0, 0) for a in range(sample.ndim)]
    return np.split(np.pad(sample, room), -(-rows // hop), axis=axis)
