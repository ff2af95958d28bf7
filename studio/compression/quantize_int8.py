"""Post-training quantisation to int8 in standard QDQ form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression import qdq
from studio.compression.calibration import calibrate, channel_mean
from studio.compression.constants import constant, set_constant
from studio.compression.step import Needs, Step, param
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.evaluate import check_fits, observe
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

_PLACEHOLDER = (-4.0, 4.0)


@dataclass(frozen=True, slots=True)
class QuantizeInt8:
    """Replace float numbers by 8-bit integers, without training.

    Weights become symmetric int8, activations asymmetric int8 over the ranges that
    calibration samples show, biases int32. Bias correction then removes the mean error
    that rounding leaves in each channel, layer after layer.
    """

    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    method: str = param(
        "min-max", "Range of activations", choices=("min-max", "percentile"),
        help="min-max keeps every value; percentile cuts rare extremes",
    )  # fmt: skip
    percentile: float = param(
        99.99, "Percentile", lo=90.0, hi=100.0, unit="%", help="Used by the method percentile"
    )
    bias_correction: bool = param(True, "Bias correction")


def preview(p: QuantizeInt8, model: Model) -> Model:
    """The quantised graph with real weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already.
    """
    ir = _prepared(p, model)
    plan = qdq.plan(ir.graph)
    qdq.insert(ir.graph, plan, plan.grids(lambda name: _PLACEHOLDER), p.per_channel)
    return model.derived(ir, STEP.id, asdict(p))


def run(p: QuantizeInt8, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, quantise, correct the biases.

    Raises:
        RecipeError: the model is quantised already, or there is no data.
        DataError: data of another shape than the model's input.
    """
    ir = _prepared(p, model)
    if data is None:
        raise RecipeError("needs samples to calibrate on", STEP.id, "choose a data set")
    check_fits(data, model)
    x = data.calibration(p.samples)
    plan = qdq.plan(ir.graph)
    layers = qdq.layers(plan.nodes)
    names = {node.outputs[0].name or "": qdq.channel_axis(node) for node in layers}
    statistics = yield from calibrate(
        Model.from_ir(ir, model.name),
        x,
        plan.measured(),
        names if p.bias_correction else {},
        p.percentile if p.method == "percentile" else 100.0,
    )
    qdq.insert(ir.graph, plan, plan.grids(statistics.ranges.__getitem__), p.per_channel)
    if p.bias_correction:
        for index, (node, name) in enumerate(zip(layers, names, strict=True)):
            yield Progress(f"Correcting the bias of {node.name}", index / len(layers))
            _correct_bias(Model.from_ir(ir, model.name), node, statistics.means[name], x)
    yield Progress(f"Quantised {len(layers)} layers", 1.0)
    return model.derived(ir, STEP.id, asdict(p))


STEP = Step(
    QuantizeInt8, preview, run, group="Quantise", title="Quantise to int8", needs=Needs.SAMPLES
)


def _prepared(p: QuantizeInt8, model: Model) -> onnx_ir.Model:
    """A float graph of one's own whose dense layers are Gemm with a plain bias."""
    if model.quantized:
        raise RecipeError(
            "the model is quantised already",
            STEP.id,
            "quantise the float model that it was made from",
        )
    ir = model.clone_ir()
    for node in tuple(ir.graph):
        if node.op_type == "MatMul":
            dense(ir.graph, node)
    for node in ir.graph:
        if node.op_type in ("Conv", "Gemm"):
            _plain(ir.graph, node, p.bias_correction)
    return ir


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


def _correct_bias(
    model: Model,
    node: onnx_ir.Node,
    mean: npt.NDArray[np.float64],
    x: npt.NDArray[np.float32],
) -> None:
    """Move a layer's int32 bias so that its mean output equals the float model's.

    The layers before it are corrected already (Nagel et al., arXiv 1906.04721, section 4.2).
    """
    import onnx_ir

    name = node.outputs[0].name or ""
    axis = qdq.channel_axis(node)
    rows = [channel_mean(arrays[0], axis) for arrays in observe(model, (name,), x)]
    error = mean - np.mean(rows, axis=0)
    dequantize = node.inputs[2].producer() if node.inputs[2] is not None else None
    assert dequantize is not None
    stored, scale = dequantize.inputs[:2]
    assert stored is not None and stored.const_value is not None
    steps = stored.const_value.numpy() + np.rint(error / constant(scale)).astype(np.int32)
    stored.const_value = onnx_ir.tensor(steps.astype(np.int32), name=stored.name)
