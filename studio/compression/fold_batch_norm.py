"""Fold batch normalisation into the layer before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.compression.constants import drop_unused, real, set_constant
from studio.compression.step import Step
from studio.job import Job, Progress

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset
    from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class FoldBatchNorm:
    """Multiply each batch normalisation into the weights of the Conv or Gemm before it.

    The function stays the same and the layer disappears. One that follows anything else,
    or a layer that others read as well, is left in place.
    """


def preview(p: FoldBatchNorm, model: Model) -> Model:
    """The folded model: w' = w g, b' = (b - mean) g + beta with g = gamma / sqrt(var + eps)."""
    return _fold(model)[0]


def run(p: FoldBatchNorm, model: Model, data: Dataset | None) -> Job[Model]:
    """As `preview`: folding needs no data."""
    yield Progress("Folding batch normalisation", 0.0)
    result, folded = _fold(model)
    yield Progress(f"Folded {folded} batch normalisations", 1.0)
    return result


STEP = Step(FoldBatchNorm, preview, run, group="Prepare", title="Fold batch norm")


def fold(
    ir: onnx_ir.Model, chosen: Callable[[onnx_ir.Node], bool] = lambda norm: True
) -> dict[str, str]:
    """Fold the chosen batch norms of a graph in place; what was done, by their names."""
    done = {}
    for norm in tuple(ir.graph):
        if norm.op_type == "BatchNormalization" and chosen(norm):
            layer = _fold_one(ir.graph, norm)
            done[norm.name or ""] = (
                f"folded into {layer}" if layer else "stays: nothing to fold it into"
            )
    drop_unused(ir.graph)
    return done


def _fold(model: Model) -> tuple[Model, int]:
    ir = model.clone_ir()
    done = fold(ir)
    folded = sum(said.startswith("folded") for said in done.values())
    return model.derived(ir, STEP.id, {}, done), folded


def _fold_one(graph: onnx_ir.Graph, norm: onnx_ir.Node) -> str:
    """The name of the layer that took the batch norm in, empty where none can."""
    layer = _foldable_into(norm)
    if layer is None:
        return ""
    gamma, beta, mean, variance = (real(value) for value in norm.inputs[1:5])
    gain = gamma / np.sqrt(variance + norm.attributes.get_float("epsilon", 1e-5))
    weight = real(layer.inputs[1])
    bias = real(layer.inputs[2]) if len(layer.inputs) > 2 and layer.inputs[2] else 0.0
    axis = 0
    if layer.op_type == "Gemm":
        axis = 0 if layer.attributes.get_int("transB", 0) else 1
        bias = bias * layer.attributes.get_float("beta", 1.0)
        weight = weight * layer.attributes.get_float("alpha", 1.0)
        for factor in ("alpha", "beta"):
            layer.attributes.pop(factor, None)
    shape = [-1 if index == axis else 1 for index in range(weight.ndim)]
    layer.resize_inputs(3)
    set_constant(graph, layer, 1, "weight", weight * gain.reshape(shape))
    set_constant(graph, layer, 2, "bias", (bias - mean) * gain + beta)

    result, raw = norm.outputs[0], layer.outputs[0]
    name, result.name = result.name, None
    result.replace_all_uses_with(raw, replace_graph_outputs=True)
    raw.name = name  # the value keeps the name that later layers and comparisons know
    graph.remove(norm, safe=True)
    return layer.name or ""


def _foldable_into(norm: onnx_ir.Node) -> onnx_ir.Node | None:
    """The Conv or Gemm before a batch norm, if nothing else reads it and all is constant."""
    if norm.op_type != "BatchNormalization" or norm.attributes.get_int("training_mode", False):
        return None
    source = norm.inputs[0]
    layer = source.producer() if source is not None else None
    if layer is None or source is None or layer.op_type not in ("Conv", "Gemm"):
        return None
    if len(source.uses()) != 1 or source.is_graph_output():
        return None
    constants = [*norm.inputs[1:5], *layer.inputs[1:3]]
    if any(value is not None and value.const_value is None for value in constants):
        return None
    if layer.op_type == "Gemm" and len(layer.inputs) > 2 and layer.inputs[2] is not None:
        bias_shape = layer.inputs[2].shape
        if bias_shape is None or len(bias_shape) != 1:
            return None
    return layer
