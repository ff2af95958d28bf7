"""Set single weights to zero, and train what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import constant, drop_unused, set_constant
from studio.compression.recovery import recover, with_biases
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.execute import Network
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

Weights = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_BLOCK = 4
PATTERNS = ("single", "1x4 blocks")


@dataclass(frozen=True, slots=True)
class PruneWeights:
    """Set the smallest weights to zero, in stages with training in between.

    Sizes are compared relative to their layer. Depthwise layers stay dense: they are small and
    suffer most. Zeros save flash and time only where a sparse kernel is chosen for the board.
    """

    sparsity: float = param(0.8, "Share of weights to zero", lo=0.01, hi=0.99)
    stages: int = param(3, "Stages", lo=1, hi=20, help="On a cubic schedule: most at first")
    pattern: str = param(
        "single", "Pattern", choices=PATTERNS,
        help="1x4 blocks zero four neighbours together, which kernels can skip sooner",
    )  # fmt: skip
    epochs: int = param(12, "Epochs after each", lo=0, hi=10_000)
    rate: float = param(1e-2, "Learning rate", lo=1e-7, hi=1.0)
    batch_norm: bool = param(
        True, "Batch norm while training", help="Inserted before, folded away after"
    )
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: PruneWeights, model: Model) -> Model:
    """The model with the zeros, not trained.

    Raises:
        RecipeError: the model is quantised, or has no layer to prune.
    """
    masks = _masks(p, model, p.sparsity)
    return model.derived(_masked(_prepared(p, model), masks).ir, STEP.id, asdict(p), _report(masks))


def run(
    p: PruneWeights, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Zero a part, train the rest, and repeat until the target is reached.

    Raises:
        RecipeError: as `preview`; no data to train on.
        DataError: data that do not fit the model.
    """
    checkpoints = checkpoints or Checkpoints()
    yield Progress("Comparing weights", 0.0)
    _masks(p, model, p.sparsity)  # refuses what cannot be pruned
    current = _prepared(p, model)
    for stage in range(1, p.stages + 1):
        share = p.sparsity * (1 - (1 - stage / p.stages) ** 3)
        masks = _masks(p, current, share)
        current = _masked(current, masks)
        if p.epochs:
            trainable = check_trainable(current, data, STEP.id)
            current = yield from recover(
                current,
                trainable,
                Schedule(p.epochs, p.rate, seed=p.seed + stage),
                checkpoints.next(),
                batch_norm=p.batch_norm,
                loss=teaching(model, trainable),
                hold=partial(_holder, masks=_by_weight(current, masks)),
                part=((stage - 1) / p.stages, stage / p.stages),
                text=f"Stage {stage} of {p.stages}",
            )
    yield Progress(_total(masks), 1.0)
    return model.derived(current.clone_ir(), STEP.id, asdict(p), _report(masks))


STEP = Step(
    PruneWeights, preview, run, group="Prune", title="Prune weights", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def _prepared(p: PruneWeights, model: Model) -> Model:
    return with_biases(model) if p.batch_norm and p.epochs else model


def _prunable(graph: onnx_ir.Graph) -> list[onnx_ir.Node]:
    """Layers with constant weights that are not depthwise or grouped."""
    return [
        node
        for node in graph
        if node.op_type in ("Conv", "Gemm", "MatMul")
        and node.inputs[1] is not None
        and node.inputs[1].const_value is not None
        and len(node.inputs[1].shape or ()) > 1
        and int(node.attributes.get_int("group", 1)) == 1
    ]


def _masks(p: PruneWeights, model: Model, share: float) -> dict[str, Mask]:
    """Which weights stay, by layer: those that are large for their layer."""
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "prune before quantising")
    layers = _prunable(model.ir.graph)
    if not layers:
        raise RecipeError(
            "has no layer whose weights could be pruned", STEP.id, "leave the step out"
        )
    blocks = p.pattern != PATTERNS[0]
    scores = {node.name or "": _scores(node, blocks) for node in layers}
    every = np.concatenate([score.ravel() for score in scores.values()])
    count = round(share * every.size)
    limit = np.partition(every, count)[count] if count < every.size else np.inf
    return {name: score >= limit for name, score in scores.items()}


def _scores(node: onnx_ir.Node, blocks: bool) -> Weights:
    """|w| / rms of the layer, or the same for the block that a weight is in."""
    weight = constant(node.inputs[1])
    assert weight is not None
    size = np.abs(weight).astype(np.float32)
    size /= max(float(np.sqrt(np.mean(np.square(size)))), 1e-12)
    return _of_blocks(node, size) if blocks else size


def _of_blocks(node: onnx_ir.Node, size: Weights) -> Weights:
    """The root mean square of four neighbours in the order of the kernels: outputs, then inputs."""
    rows = np.moveaxis(size, 1, -1) if node.op_type == "Conv" else size
    turned = node.op_type == "MatMul" or (
        node.op_type == "Gemm" and not node.attributes.get_int("transB", 0)
    )
    rows = np.moveaxis(rows, -2, -1) if turned else rows
    flat = rows.reshape(len(rows), -1)
    beyond = -flat.shape[1] % _BLOCK
    parts = np.pad(flat, ((0, 0), (0, beyond))).reshape(len(flat), -1, _BLOCK)
    of_part = np.sqrt(np.square(parts).mean(axis=2, keepdims=True))
    result = np.broadcast_to(of_part, parts.shape).reshape(len(flat), -1)[:, : flat.shape[1]]
    result = result.reshape(rows.shape)
    result = np.moveaxis(result, -2, -1) if turned else result
    return np.moveaxis(result, -1, 1) if node.op_type == "Conv" else result


def _masked(model: Model, masks: Mapping[str, Mask]) -> Model:
    ir = model.clone_ir()
    for node in _prunable(ir.graph):
        weight = constant(node.inputs[1])
        assert weight is not None
        set_constant(ir.graph, node, 1, "weight", np.where(masks[node.name or ""], weight, 0))
    drop_unused(ir.graph)
    return Model.from_ir(ir, model.name)


def _by_weight(model: Model, masks: Mapping[str, Mask]) -> dict[str, Mask]:
    """The masks by the names of the initialisers."""
    found = {}
    for node in _prunable(model.ir.graph):
        assert node.inputs[1] is not None
        found[node.inputs[1].name or ""] = masks[node.name or ""]
    return found


def _holder(network: Network, masks: Mapping[str, Mask]) -> Callable[[], None]:
    """Puts the zeros back after each step of training."""
    import torch

    held = [(network.parameters[name], torch.from_numpy(mask)) for name, mask in masks.items()]

    def hold() -> None:
        with torch.no_grad():
            for weight, mask in held:
                weight.mul_(mask)

    return hold


def _report(masks: Mapping[str, Mask]) -> dict[str, str]:
    return {
        name: f"{np.mean(~mask):.1%} of {mask.size} weights are zero; 0 bytes saved, as no sparse"
        " kernel is chosen"
        for name, mask in masks.items()
    }


def _total(masks: Mapping[str, Mask]) -> str:
    zero, every = sum(int((~m).sum()) for m in masks.values()), sum(m.size for m in masks.values())
    return f"{zero} of {every} weights are zero; 0 bytes saved, as no sparse kernel is chosen"
