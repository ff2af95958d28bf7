"""What a layer multiplies its weights with: weights and inputs as plain matrices.

A Conv or Gemm is, for each of its groups, a matrix [outputs, inputs] times columns
[inputs, positions]; a Gemm has one group. Rounding methods work on these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from studio.compression.qdq import output_axis
from studio.job import Job, Progress
from studio.model.evaluate import observe
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]
_TICK = 16


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of a layer's columns.

    Attributes:
        mean: float64 [groups, inputs].
        covariance: float64 [groups, inputs, inputs], about the mean: what a wrong mean does is
            left to the correction of the bias.
    """

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]


def measure(model: Model, node: onnx_ir.Node, x: npt.NDArray[np.float32]) -> Job[Moments]:
    """The moments of a layer's inputs over samples [n, ...], run by onnxruntime."""
    source = node.inputs[0]
    assert source is not None
    inputs = (arrays[0] for arrays in observe(model, (source.name or "",), x))
    first: Array | float = 0.0
    second: Array | float = 0.0
    count = 0
    for index, array in enumerate(inputs):
        if index % _TICK == 0:
            yield Progress(f"Measuring what {node.name} reads", index / len(x))
        part = columns(node, array).astype(np.float64)
        first = first + part.sum(axis=2)
        second = second + part @ part.transpose(0, 2, 1)
        count += part.shape[2]
    mean = np.asarray(first) / count
    return Moments(mean, np.asarray(second) / count - mean[:, :, None] * mean[:, None, :])


def as_matrix(node: onnx_ir.Node, weight: Array) -> Array:
    """Weights as [groups, outputs, inputs]."""
    if node.op_type == "Gemm":
        return (weight if output_axis(node) == 0 else weight.T)[None]
    groups = node.attributes.get_int("group", 1)
    return weight.reshape(groups, len(weight) // groups, -1)


def from_matrix(node: onnx_ir.Node, matrix: Array, shape: Iterable[int]) -> Array:
    """The inverse of `as_matrix` for weights of `shape`."""
    if node.op_type == "Gemm" and output_axis(node) == 1:
        return np.ascontiguousarray(matrix[0].T)
    return np.ascontiguousarray(matrix).reshape(tuple(shape))


def columns(node: onnx_ir.Node, x: Array) -> Array:
    """The inputs of a layer as [groups, inputs, positions], batch and space together."""
    if node.op_type == "Gemm":
        return x.T[None]
    weight = node.inputs[1]
    assert weight is not None and weight.shape is not None
    kernel = tuple(int(size) for size in weight.shape.numpy()[2:])
    ones = (1,) * len(kernel)
    strides = node.attributes.get_ints("strides", ones)
    dilations = node.attributes.get_ints("dilations", ones)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    padded = np.pad(x, [(0, 0), (0, 0), *_pads(node, x.shape[2:], spans, strides)])
    axes = tuple(range(2, x.ndim))
    windows = sliding_window_view(padded, spans, axes)
    steps = [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    windows = windows[(slice(None), slice(None), *steps)]  # [n, c, *positions, *kernel]
    channels, rank = windows.shape[1], len(kernel)
    order = (1, *range(2 + rank, 2 + 2 * rank), 0, *range(2, 2 + rank))
    rows = channels * int(np.prod(kernel))
    groups = node.attributes.get_int("group", 1)
    return windows.transpose(order).reshape(groups, rows // groups, -1)


def _pads(
    node: onnx_ir.Node, sizes: tuple[int, ...], spans: list[int], strides: Iterable[int]
) -> list[tuple[int, int]]:
    """Padding before and after each spatial axis."""
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, span, stride in zip(sizes, spans, strides, strict=True):
            total = max((-(-size // stride) - 1) * stride + span - size, 0)
            less, more = total // 2, total - total // 2
            pads.append((less, more) if mode == "SAME_UPPER" else (more, less))
        return pads
    if mode == "VALID":
        return [(0, 0)] * len(sizes)
    both = node.attributes.get_ints("pads", (0,) * 2 * len(sizes))
    return list(zip(both[: len(sizes)], both[len(sizes) :], strict=True))
