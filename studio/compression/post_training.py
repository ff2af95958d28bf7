"""What all kinds of quantisation without training share: prepare, calibrate, insert, correct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression import qdq
from studio.compression.calibration import calibrate
from studio.compression.constants import constant, real, set_constant
from studio.compression.layer_inputs import Walks
from studio.errors import RecipeError
from studio.job import Job
from studio.model.evaluate import check_fits
from studio.model.model import Model
from studio.model.walk import Walk

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

Array = npt.NDArray[Any]

PLACEHOLDER = (-4.0, 4.0)
WIDE_OPSET = 21  # the first whose QuantizeLinear knows int4 and int16


@dataclass(frozen=True)
class Draft:
    """A graph that has become QDQ, with what its float form knew.

    Attributes:
        ir: the graph; steps go on changing it until they hand it over.
        source: the float model.
        x: float32 [n, ...], the calibration samples.
        layers: the nodes with integer weights, in order.
        weights: their float weights.
        biases: their float biases, corrected as the work goes on.
        means: the mean of each float layer's output channels; empty unless asked for.
    """

    ir: onnx_ir.Model
    source: Model
    x: npt.NDArray[np.float32]
    layers: tuple[onnx_ir.Node, ...]
    weights: Mapping[onnx_ir.Node, Array]
    biases: dict[onnx_ir.Node, Array]
    means: Mapping[onnx_ir.Node, npt.NDArray[np.float64]]

    def model(self) -> Model:
        """The graph as it stands now."""
        return Model.from_ir(self.ir, self.source.name)

    def walks(self) -> Walks:
        """Walks through the float form and this one, from the input on."""
        return Walks(Walk(self.source.ir, self.x), Walk(self.ir, self.x), len(self.x))


def previewed(
    model: Model,
    step: str,
    *,
    per_channel: bool = True,
    with_bias: bool = True,
    opset: int = 0,
    form: qdq.Activations = qdq.INT8,
) -> tuple[onnx_ir.Model, list[onnx_ir.Node]]:
    """The QDQ graph with rounded weights and placeholder activation scales, and its layers.

    Raises:
        RecipeError: the model is quantised already.
    """
    ir = prepared(model, step, with_bias, opset)
    plan = qdq.plan(ir.graph)
    qdq.insert(ir.graph, plan, plan.grids(lambda name: PLACEHOLDER, form), per_channel)
    return ir, qdq.layers(plan.nodes)


def drafted(
    model: Model,
    step: str,
    data: Dataset | None,
    *,
    samples: int,
    per_channel: bool = True,
    percentile: float = 100.0,
    means: bool = True,
    opset: int = 0,
    form: qdq.Activations = qdq.INT8,
    headroom: float = 1.0,
) -> Job[Draft]:
    """Calibrate on samples and write the QDQ form, weights rounded to the nearest int8.

    Ranges are `headroom` times as wide as the samples show.

    Raises:
        RecipeError: the model is quantised already, or there is no data.
        DataError: data of another shape than the model's input.
    """
    ir = prepared(model, step, means, opset)
    if data is None:
        raise RecipeError("needs samples to calibrate on", step, "choose a data set")
    check_fits(data, model)
    x = data.calibration(samples)
    plan = qdq.plan(ir.graph)
    layers = tuple(qdq.layers(plan.nodes))
    axes = {node.outputs[0].name or "": qdq.channel_axis(node) for node in layers}
    statistics = yield from calibrate(
        Model.from_ir(ir, model.name), x, plan.measured(), axes if means else {}, percentile
    )
    weights = {node: real(node.inputs[1]) for node in layers}
    biases = {
        node: real(node.inputs[2]) for node in layers if len(node.inputs) > 2 and node.inputs[2]
    }
    found = zip(layers, axes, strict=True) if means else ()
    by_node = {node: statistics.means[name] for node, name in found}
    ranges = {name: (lo * headroom, hi * headroom) for name, (lo, hi) in statistics.ranges.items()}
    grids = plan.grids(ranges.__getitem__, form)
    qdq.insert(ir.graph, plan, grids, per_channel)
    return Draft(ir, model, x, layers, weights, biases, by_node)


def prepared(model: Model, step: str, with_bias: bool, opset: int = 0) -> onnx_ir.Model:
    """A float graph of one's own whose dense layers are Gemm with a plain bias.

    Raises:
        RecipeError: the model is quantised already.
    """
    if model.quantized:
        raise RecipeError(
            "the model is quantised already", step, "quantise the float model that it was made from"
        )
    ir = _raised(model, step, opset)
    for node in tuple(ir.graph):
        if node.op_type == "MatMul":
            dense(ir.graph, node)
    for node in ir.graph:
        if node.op_type in ("Conv", "Gemm"):
            _plain(ir.graph, node, with_bias)
    return ir


def _raised(model: Model, step: str, opset: int) -> onnx_ir.Model:
    """A clone of the graph in an opset at least as new as asked for."""
    have = model.ir.graph.opset_imports.get("", 1)
    if have >= opset:
        return model.clone_ir()
    import onnx
    import onnx_ir
    from onnx import version_converter

    proto = onnx.ModelProto.FromString(model.to_bytes())
    try:
        proto = version_converter.convert_version(proto, opset)
    except (RuntimeError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"the model's opset {have} cannot be raised to {opset}: {reason}",
            step,
            f"export the model with opset {opset}",
        ) from None
    proto.ir_version = max(proto.ir_version, 10)
    return onnx_ir.from_proto(proto)


def dense(graph: onnx_ir.Graph, product: onnx_ir.Node) -> None:
    """Write x W (+ b) of rank 2 with constant W as Gemm."""
    import onnx_ir

    x, weight = product.inputs
    if x is None or weight is None or x.const_value is not None or weight.const_value is None:
        return
    if len(x.shape or ()) != 2 or len(weight.shape or ()) != 2:
        return
    last, inputs = product, [x, weight]
    uses = tuple(product.outputs[0].uses())
    if len(uses) == 1 and not product.outputs[0].is_graph_output() and uses[0][0].op_type == "Add":
        add, index = uses[0]
        bias = add.inputs[1 - index]
        if (
            bias is not None
            and bias.const_value is not None
            and bias.const_value.size
            in (
                1,
                weight.const_value.shape.numpy()[1],
            )
        ):
            last, inputs = add, [x, weight, bias]
    old = last.outputs[0]
    out = onnx_ir.val(None, old.dtype, old.shape)
    graph.insert_before(product, onnx_ir.node("Gemm", inputs, outputs=[out], name=product.name))
    name, old.name = old.name, None
    old.replace_all_uses_with(out, replace_graph_outputs=True)
    out.name = name
    graph.remove([product] if last is product else [last, product], safe=True)


def _plain(graph: onnx_ir.Graph, node: onnx_ir.Node, always_bias: bool) -> None:
    """Fold alpha and beta into the constants; bring the bias into shape [channels]."""
    constants = node.inputs[1:]
    if any(value is not None and value.const_value is None for value in constants):
        return
    weight = constant(node.inputs[1])
    if weight is None:
        return
    alpha, beta = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
    gemm = node.op_type == "Gemm"
    channels = weight.shape[1 if gemm and not node.attributes.get_int("transB", 0) else 0]
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if alpha != 1.0:
        set_constant(graph, node, 1, "weight", weight * np.float32(alpha))
    if bias is None and not always_bias:
        return
    plain = np.zeros(channels, np.float32) if bias is None else bias * np.float32(beta)
    if plain.size not in (1, channels):
        return
    if bias is None or beta != 1.0 or bias.shape != (channels,):
        node.resize_inputs(3)
        set_constant(graph, node, 2, "bias", np.broadcast_to(plain.ravel(), (channels,)))
    for name in ("alpha", "beta"):
        node.attributes.pop(name, None)
