"""Replace costly activations by one that costs nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import drop_unused
from studio.compression.recovery import recover, with_biases
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

# Sigmoid and Tanh are not here: they bound what they gate, which Relu does not.
_COSTLY = {"HardSwish", "Gelu", "Mish", "Elu", "Selu", "Celu", "Softplus", "LeakyRelu", "PRelu"}


@dataclass(frozen=True, slots=True)
class SwapActivations:
    """Put Relu in the place of swish, GELU, ELU and their kin, and train the net to like it.

    A Relu is part of the layer before it and costs nothing; the others cost a table look-up for
    each value, or an exponential in float.
    """

    to: str = param("relu", "New activation", choices=("relu", "relu6"))
    epochs: int = param(10, "Epochs", lo=0, hi=10_000)
    rate: float = param(3e-3, "Learning rate", lo=1e-7, hi=1.0)
    batch_norm: bool = param(
        True, "Batch norm while training", help="Inserted before, folded away after"
    )
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: SwapActivations, model: Model) -> Model:
    """The model with the new activations, not trained.

    Raises:
        RecipeError: the model is quantised, or has no activation to replace.
    """
    swapped, report = _swapped(p, model)
    return model.derived(swapped.ir, STEP.id, asdict(p), report)


def run(
    p: SwapActivations, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Replace, then train.

    Raises:
        RecipeError: as `preview`; no data; training that diverges.
        DataError: data that do not fit the model.
    """
    result, report = _swapped(p, model)
    yield Progress(f"Replaced {len(report)} activations", 0.0)
    if p.epochs:
        trainable = check_trainable(result, data, STEP.id)
        schedule = Schedule(p.epochs, p.rate, seed=p.seed)
        checkpoint = (checkpoints or Checkpoints()).next()
        result = yield from recover(
            result,
            trainable,
            schedule,
            checkpoint,
            batch_norm=p.batch_norm,
            loss=teaching(model, trainable),
        )
    return model.derived(result.clone_ir(), STEP.id, asdict(p), report)


STEP = Step(
    SwapActivations, preview, run, group="Prepare", title="Swap activations", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def _swapped(p: SwapActivations, model: Model) -> tuple[Model, dict[str, str]]:
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "swap before quantising")
    ir = model.clone_ir()
    report = {}
    for node in tuple(ir.graph):
        source, kind = _activated(node)
        if source is not None:
            _replace(ir.graph, node, source, p.to)
            report[node.name or ""] = f"{kind}, now {p.to}"
    if not report:
        raise RecipeError(
            "has no costly activation", STEP.id, f"it looks for {', '.join(sorted(_COSTLY))}, Swish"
        )
    drop_unused(ir.graph)
    swapped = Model.from_ir(ir, model.name)
    return (with_biases(swapped) if p.batch_norm and p.epochs else swapped), report


def _activated(node: onnx_ir.Node) -> tuple[onnx_ir.Value | None, str]:
    """What a costly activation is applied to, and its name."""
    if node.op_type in _COSTLY:
        return node.inputs[0], node.op_type
    if node.op_type == "Mul":  # x sigmoid(x)
        for index, value in enumerate(node.inputs):
            gate = value.producer() if value is not None else None
            source = node.inputs[1 - index]
            plain = gate is not None and gate.op_type in ("Sigmoid", "HardSigmoid")
            if gate is not None and plain and gate.inputs[0] is source:
                return source, "Swish"
    return None, ""


def _replace(graph: onnx_ir.Graph, node: onnx_ir.Node, source: onnx_ir.Value, to: str) -> None:
    import onnx_ir

    result = node.outputs[0]
    inputs: list[onnx_ir.Value] = [source]
    if to == "relu6":
        for role, number in (("lowest", 0.0), ("highest", 6.0)):
            bound = f"{node.name}.{role}"
            tensor = onnx_ir.Tensor(np.array(number, np.float32), name=bound)
            inputs.append(onnx_ir.val(bound, const_value=tensor))
            graph.register_initializer(inputs[-1])
    out = onnx_ir.val(None, result.dtype, result.shape)
    kind = "Clip" if to == "relu6" else "Relu"
    graph.insert_before(node, onnx_ir.node(kind, inputs, outputs=[out], name=node.name))
    gates = [v.producer() for v in node.inputs if v is not None and v is not source]
    name, result.name = result.name, None
    result.replace_all_uses_with(out, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    out.name = name
    for gate in gates:
        if gate is not None and not gate.outputs[0].uses():
            graph.remove(gate, safe=True)
