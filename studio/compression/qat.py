"""Quantisation-aware training with learned step sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression import fold_batch_norm
from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import drop_unused, real
from studio.compression.layer_inputs import as_matrix
from studio.compression.low_bits import How, Integers, outline, refine_all, store
from studio.compression.post_training import WIDE_OPSET, Draft, drafted, previewed
from studio.compression.rounding import limit_of, nearest
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching, train
from studio.job import Job, Progress, as_part
from studio.model.execute import Network
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

Array = npt.NDArray[Any]

_CALIBRATED = 0.1
_SMALLEST_SHARE = 0.05
# Their results have a fixed scale, which kernels rely on.
_FIXED = {"Softmax", "Sigmoid", "Tanh"}


@dataclass(frozen=True, slots=True)
class Qat:
    """Train the quantised net itself, its scales included (LSQ, arXiv 1902.08153).

    Rounding lets the gradient pass straight through, so weights learn to sit well on their grid
    and scales learn how wide the grid should be. Starts from a calibrated quantisation of the
    float model; batch norms are folded first.
    """

    weights: str = param("int8", "Weights", choices=("int8", "int4"))
    epochs: int = param(8, "Epochs", lo=1, hi=10_000)
    rate: float = param(1e-3, "Learning rate", lo=1e-7, hi=1.0)
    scale_rate: float = param(
        0.02, "Learning rate of scales", lo=0.0, hi=1.0, help="As a share of the weights'"
    )
    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: Qat, model: Model) -> Model:
    """The quantised graph with rounded weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already, or no layer can take 4 bits.
    """
    folded = _folded(model)
    if p.weights == "int4":
        ir, report = outline(folded, STEP.id, p.per_channel, False, False)
    else:
        ir, layers = previewed(folded, STEP.id, per_channel=p.per_channel)
        report = {node.name or "": "int8 weights" for node in layers}
    return model.derived(ir, STEP.id, asdict(p), report)


def run(
    p: Qat, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Calibrate, quantise, train, and fold the weights into integers.

    Raises:
        RecipeError: as `preview`; no data; training that diverges.
        DataError: data that do not fit the model.
    """
    preview(p, model)
    trainable = check_trainable(model, data, STEP.id)
    yield Progress("Quantising", 0.0)
    draft = yield from _quantized(p, model, trainable)
    before = {node: _scale(node).copy() for node in draft.layers}
    network = Network(_opened(draft))
    network.freeze(_fixed_scales(draft))
    schedule = Schedule(p.epochs, p.rate, scale_rate=p.scale_rate, l2=0.0, seed=p.seed)
    checkpoint = (checkpoints or Checkpoints()).next()
    yield from train(
        network, trainable, schedule, checkpoint, loss=teaching(model, trainable),
        hold=_holder(network), part=(_CALIBRATED, 1.0),
    )  # fmt: skip
    _close(draft, network.write_back(), p)
    report = {
        node.name or "": f"{p.weights} weights, steps changed by"
        f" {100 * float(np.abs(_scale(node) / before[node] - 1).mean()):.1f} % on average"
        for node in draft.layers
    }
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    Qat, preview, run, group="Quantise", title="Quantisation-aware training", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def _folded(model: Model) -> Model:
    ir = model.clone_ir()
    fold_batch_norm.fold(ir)
    return Model.from_ir(ir, model.name)


def _quantized(p: Qat, model: Model, data: Dataset) -> Job[Draft]:
    """The quantisation to start from: ranges from samples, for 4 bits with searched scales."""
    draft = yield from as_part(
        drafted(
            _folded(model), STEP.id, data, samples=p.samples, per_channel=p.per_channel,
            opset=WIDE_OPSET if p.weights == "int4" else 0,
        ),
        0.0,
        _CALIBRATED,
    )  # fmt: skip
    if p.weights == "int4":
        how = How(nearest, nearest, p.per_channel, compensate=False)
        yield from as_part(refine_all(draft, STEP.id, how, False, False), _CALIBRATED, _CALIBRATED)
    return draft


def _opened(draft: Draft) -> Model:
    """The QDQ graph with float weights that are rounded as it runs, and float biases."""
    import onnx_ir
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    ir = draft.ir.clone()
    nodes = {node.name: node for node in ir.graph}
    for layer in draft.layers:
        node = nodes[layer.name]
        dequantize = node.inputs[1].producer() if node.inputs[1] is not None else None
        assert dequantize is not None
        stored, scale = dequantize.inputs[:2]
        assert stored is not None
        weight = _parameter(ir.graph, f"{node.name}.float", draft.weights[layer])
        out = onnx_ir.val(f"{stored.name}.rounded", stored.dtype, stored.shape)
        quantize = onnx_ir.Node(
            "", "QuantizeLinear", [weight, scale], list(dequantize.attributes.values()),
            outputs=[out], name=f"{node.name}.round",
        )  # fmt: skip
        ir.graph.insert_before(dequantize, quantize)
        dequantize.replace_input_with(0, out)
        if layer in draft.biases:
            bias = _parameter(ir.graph, f"{node.name}.float_bias", draft.biases[layer])
            node.replace_input_with(2, bias)
    RemoveUnusedNodesPass()(ir)
    drop_unused(ir.graph)
    return Model.from_ir(ir, draft.source.name)


def _parameter(graph: onnx_ir.Graph, name: str, array: Array) -> onnx_ir.Value:
    import onnx_ir

    value = onnx_ir.val(name, const_value=onnx_ir.tensor(array.astype(np.float32), name=name))
    graph.register_initializer(value)
    return value


def _fixed_scales(draft: Draft) -> set[str]:
    names = set()
    for node in draft.ir.graph:
        source = node.inputs[0].producer() if node.inputs and node.inputs[0] else None
        if node.op_type == "QuantizeLinear" and source is not None and source.op_type in _FIXED:
            names.add(node.inputs[1].name or "" if node.inputs[1] else "")
    return names


def _holder(network: Network) -> Callable[[], None]:
    """Keeps scales positive: none falls below a twentieth of where it began."""
    import torch

    learned = [network.parameters[name] for name in network.scales if name in network.parameters]
    held = [(scale, scale.detach() * _SMALLEST_SHARE) for scale in learned]

    def hold() -> None:
        with torch.no_grad():
            for scale, least in held:
                scale.copy_(torch.maximum(scale, least))

    return hold


def _close(draft: Draft, trained: Model, p: Qat) -> None:
    """Put what was learned into the integers of the draft."""
    learned = trained.ir.graph.initializers
    for name, value in draft.ir.graph.initializers.items():
        new = learned.get(name)
        if new is not None and value.dtype is not None and value.dtype.is_floating_point():
            value.const_value = new.const_value
    bits = 4 if p.weights == "int4" else 8
    for node in draft.layers:
        if node in draft.biases:
            draft.biases[node] = real(learned[f"{node.name}.float_bias"])
        matrix = as_matrix(node, real(learned[f"{node.name}.float"]))
        scale = np.broadcast_to(
            _scale(node).reshape(-1, 1), (matrix.shape[0] * matrix.shape[1], 1)
        ).reshape(*matrix.shape[:2], 1)
        limit = limit_of(bits)
        stored = np.clip(np.rint(matrix / scale), -limit, limit)
        store(draft, node, Integers(stored, scale, bits))


def _scale(node: onnx_ir.Node) -> npt.NDArray[np.float64]:
    """The scales of a layer's weights."""
    dequantize = node.inputs[1].producer() if node.inputs[1] is not None else None
    assert dequantize is not None
    return real(dequantize.inputs[1])
