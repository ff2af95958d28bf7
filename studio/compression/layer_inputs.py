"""What a layer multiplies its weights with: weights and inputs as plain matrices.

A Conv or Gemm is, for each of its groups, a matrix [outputs, inputs] times columns
[inputs, positions]; a Gemm has one group. Rounding methods work on these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from studio.compression.qdq import output_axis
from studio.job import Job, Progress
from studio.model.walk import Walk

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]
_SAMPLES_AT_ONCE = 16
_DAMPING = 0.05


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of what a layer reads in a quantised net and in the float one.

    They are about the means: what a wrong mean does is left to the correction of the bias.

    Attributes:
        mean: float64 [groups, inputs].
        covariance: float64 [groups, inputs, inputs].
        cross: float64 [groups, inputs, inputs], rows of the float net, columns of the other.
    """

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    cross: npt.NDArray[np.float64]

    def target(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The weights [groups, outputs, inputs] that come closest to the float net's output.

        W' = W C_fq C_qq^-1, damped towards W: it makes good the noise of the layers before.
        """
        damping = _DAMPING * np.diagonal(self.covariance, axis1=1, axis2=2).mean(axis=1)
        ridge = (damping + 1e-12)[:, None, None] * np.eye(self.covariance.shape[1])
        wanted = matrix @ (self.cross + ridge)
        solved = np.linalg.solve(self.covariance + ridge, wanted.transpose(0, 2, 1))
        return np.asarray(solved.transpose(0, 2, 1))


@dataclass(frozen=True, slots=True)
class Walks:
    """Two forms of a net, walked side by side over the same samples.

    Attributes:
        reference: through the float model.
        model: through the quantised one.
        samples: how many.
    """

    reference: Walk
    model: Walk
    samples: int


def measure(walks: Walks, node: onnx_ir.Node) -> Job[Moments]:
    """The moments of a layer's inputs over the samples, run by onnxruntime.

    Args:
        walks: of which none has gone past the layer.
        node: a layer of the quantised model.
    """
    source = node.inputs[0]
    assert source is not None
    name = _float_name(source)
    theirs = walks.reference.look(name)
    ours = walks.model.look(source.name or "")
    sums: list[Any] = [0.0] * 4
    count = 0
    for begin in range(0, walks.samples, _SAMPLES_AT_ONCE):
        yield Progress(f"Measuring what {node.name} reads", begin / walks.samples)
        pairs = list(islice(zip(theirs, ours, strict=True), _SAMPLES_AT_ONCE))
        f, q = (
            np.concatenate(parts, axis=2, dtype=np.float64)
            for parts in zip(*((columns(node, r), columns(node, s)) for r, s in pairs), strict=True)
        )
        turned = q.transpose(0, 2, 1)
        parts = f.sum(axis=2), q.sum(axis=2), f @ turned, q @ turned
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
        count += q.shape[2]
    f, q, cross, second = (np.asarray(total) / count for total in sums)
    cross, covariance = (
        product - mean[:, :, None] * q[:, None, :] for product, mean in ((cross, f), (second, q))
    )
    return Moments(q, covariance, cross)


def _float_name(value: onnx_ir.Value) -> str:
    """What a dequantised value is called in the float model."""
    node = value.producer()
    stored = node.inputs[0] if node is not None else None
    quantize = stored.producer() if stored is not None else None
    raw = quantize.inputs[0] if quantize is not None else None
    return (raw if raw is not None and raw.is_graph_input() else value).name or ""


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
