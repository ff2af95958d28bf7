"""Cross-layer equalisation: move scale between neighbouring layers, the function unchanged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.constants import constant, drop_unused, real, set_constant
from studio.compression.step import Step, param
from studio.errors import RecipeError
from studio.job import Job, Progress

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset
    from studio.model.model import Model

Array = npt.NDArray[np.float64]

_LAYERS = ("Conv", "Gemm")
# f(s x) = s f(x) for s > 0 channel by channel, and channels keep their order.
_HOMOGENEOUS = {
    "Relu", "LeakyRelu", "PRelu", "MaxPool", "AveragePool", "GlobalAveragePool",
    "GlobalMaxPool", "ReduceMean", "Flatten", "Reshape", "Squeeze", "Unsqueeze",
}  # fmt: skip
_REGROUPING = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}
_EQUAL = 0.05  # a range within 5 % of its neighbour's gains nothing


@dataclass(frozen=True, slots=True)
class Equalize:
    """Balance the channel ranges of neighbouring layers, without data.

    Dividing a channel of one layer by s and multiplying what reads it by s changes nothing
    behind a ReLU; s = sqrt(r1 / r2) gives both the same range (arXiv 1906.04721, section 4.1).
    It helps where one scale serves a whole tensor, and little where each channel has its own.
    """

    passes: int = param(3, "Passes over the net", lo=1, hi=10)


def preview(p: Equalize, model: Model) -> Model:
    """The equalised model.

    Raises:
        RecipeError: the model is quantised, has no two layers to balance, or is balanced.
    """
    if model.quantized:
        raise RecipeError(
            "the model is quantised already", STEP.id, "equalise the float model before"
        )
    ir = model.clone_ir()
    pairs = [(node, reader) for node in ir.graph if (reader := _reader(node)) is not None]
    if not pairs:
        raise RecipeError(
            "no layer is followed by another through a ReLU alone",
            STEP.id,
            "fold batch normalisation first, or leave the step out",
        )
    factors = _balance(p, ir.graph, pairs)
    if all(np.abs(np.log(s)).max() < _EQUAL for s in factors.values()):
        raise RecipeError("the channels are balanced already", STEP.id, "leave the step out")
    drop_unused(ir.graph)
    layers = {
        node.name or "": f"channels divided by {s.min():.3g} to {s.max():.3g}"
        for node, s in factors.items()
    }
    return model.derived(ir, STEP.id, asdict(p), layers)


def run(p: Equalize, model: Model, data: Dataset | None) -> Job[Model]:
    """As `preview`: equalisation needs no data."""
    yield Progress("Equalising neighbouring layers", 0.0)
    result = preview(p, model)
    yield Progress("Equalised", 1.0)
    return result


STEP = Step(Equalize, preview, run, group="Prepare", title="Equalise layers")


def _balance(
    p: Equalize, graph: onnx_ir.Graph, pairs: list[tuple[onnx_ir.Node, onnx_ir.Node]]
) -> dict[onnx_ir.Node, Array]:
    """Scale the weights; returns for each first layer what its channels were divided by."""
    nodes = dict.fromkeys(node for first, second in pairs for node in (first, second))
    weights = {node: real(node.inputs[1]) for node in nodes}
    biases = {node: real(node.inputs[2]) for node in nodes if _has_bias(node)}
    total = {first: np.ones(_channels(first)) for first, _ in pairs}
    for _ in range(p.passes):
        for first, second in pairs:
            ours = _by_output(first, weights[first])
            theirs = _by_input(second, weights[second], len(ours))
            r1, r2 = np.abs(ours).max(axis=1), np.abs(theirs).max(axis=(1, 3)).ravel()
            live = (r1 > 0) & (r2 > 0)
            s = np.sqrt(np.where(live, r1, 1.0) / np.where(live, r2, 1.0))
            ours /= s[:, None]
            theirs *= s.reshape(len(theirs), 1, -1, 1)
            total[first] *= s
            if first in biases:
                biases[first] = biases[first] / s
    for node in nodes:
        set_constant(graph, node, 1, "weight", weights[node])
        if node in biases:
            set_constant(graph, node, 2, "bias", biases[node])
    return total


def _reader(first: onnx_ir.Node) -> onnx_ir.Node | None:
    """The layer that alone reads a layer, through operators that let a factor pass."""
    if not _scalable(first):
        return None
    channels, node = _channels(first), first
    while True:
        value = node.outputs[0]
        uses = tuple(value.uses())
        if len(uses) != 1 or value.is_graph_output():
            return None
        node, index = uses[0]
        if index != 0 or node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type in _LAYERS:
            break
        if not _keeps_channels(node, channels):
            return None
    if not _scalable(node):
        return None
    inputs = _input_channels(node)
    flattened = node.op_type == "Gemm" and inputs % channels == 0
    return node if inputs == channels or flattened else None


def _keeps_channels(node: onnx_ir.Node, channels: int) -> bool:
    if node.op_type not in _HOMOGENEOUS:
        return False
    shape, source = node.outputs[0].shape, node.inputs[0]
    if shape is None or source is None or source.shape is None or len(shape) < 2:
        return False
    if node.op_type == "ReduceMean" and not set(_axes(node)).isdisjoint((0, 1)):
        return False
    if node.op_type in _REGROUPING:  # row-major order keeps a channel's elements together
        size = shape[1]
        return shape[0] == 1 and isinstance(size, int) and size % channels == 0
    return shape[1] == channels


def _axes(node: onnx_ir.Node) -> tuple[int, ...]:
    """The axes of a ReduceMean, counted from the front; all of them where none are named."""
    source = node.inputs[0]
    assert source is not None and source.shape is not None
    rank = len(source.shape)
    named = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    axes = node.attributes.get_ints("axes", ()) if named is None else named.ravel()
    return tuple(int(axis) % rank for axis in axes) or tuple(range(rank))


def _scalable(node: onnx_ir.Node) -> bool:
    """Whether a node is a layer whose weights and bias may be scaled channel by channel."""
    if node.op_type not in _LAYERS or node.domain not in ("", "ai.onnx"):
        return False
    weight, bias = (*node.inputs[1:3], None)[:2]
    if weight is None or constant(weight) is None:
        return False
    if node.op_type == "Gemm" and node.attributes.get_int("transA", False):
        return False
    if bias is None:
        return True
    array = constant(bias)
    return array is not None and array.shape == (_channels(node),)


def _has_bias(node: onnx_ir.Node) -> bool:
    return len(node.inputs) > 2 and node.inputs[2] is not None


def _oi(node: onnx_ir.Node) -> bool:
    """Whether the weights' first axis is the output."""
    return node.op_type == "Conv" or bool(node.attributes.get_int("transB", False))


def _shape(node: onnx_ir.Node) -> tuple[int, ...]:
    weight = node.inputs[1]
    assert weight is not None and weight.shape is not None
    return tuple(int(size) for size in weight.shape.numpy())


def _channels(node: onnx_ir.Node) -> int:
    return _shape(node)[0 if _oi(node) else 1]


def _input_channels(node: onnx_ir.Node) -> int:
    shape = _shape(node)
    if node.op_type == "Conv":
        return shape[1] * node.attributes.get_int("group", 1)
    return shape[1 if _oi(node) else 0]


def _by_output(node: onnx_ir.Node, weight: Array) -> Array:
    """A view of the weights as [output channels, rest]."""
    return weight.reshape(len(weight), -1) if _oi(node) else weight.T


def _by_input(node: onnx_ir.Node, weight: Array, channels: int) -> Array:
    """A view of the weights as [groups, outputs, input channels of a group, rest]."""
    if node.op_type == "Conv":
        groups = node.attributes.get_int("group", 1)
        return weight.reshape(groups, len(weight) // groups, weight.shape[1], -1)
    return weight.reshape(1, len(weight) if _oi(node) else 1, channels, -1)
