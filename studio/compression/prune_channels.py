"""Remove whole channels, and train what is left."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.compression import channels
from studio.compression.checkpoint import Checkpoints
from studio.compression.recovery import recover, with_biases
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.data.dataset import Dataset

_RATIOS = tuple(i / 64 for i in range(64))
_BIAS_BYTES = 4


@dataclass(frozen=True, slots=True)
class PruneChannels:
    """Remove whole channels, the least important first, and train what is left.

    Channels that depend on each other (through additions, depthwise layers, concatenations) go
    together. What remains is a smaller dense network, which every board runs faster.
    """

    ratio: float = param(0.25, "Share of channels to remove", lo=0.0, hi=0.95)
    budget_bytes: int = param(
        0, "Or weights at most", lo=0, hi=1 << 30, unit="bytes",
        help="As int8 with 4-byte biases; chooses the share by itself; 0 uses the share above",
    )  # fmt: skip
    multiple: int = param(
        4, "Keep channel counts a multiple of", lo=1, hi=64,
        help="Kernels work on several channels at once",
    )  # fmt: skip
    iterations: int = param(3, "Iterations", lo=1, hi=20, help="Remove a part, train, repeat")
    epochs: int = param(12, "Epochs after each", lo=0, hi=10_000)
    rate: float = param(1e-2, "Learning rate", lo=1e-7, hi=1.0)
    batch_norm: bool = param(
        True, "Batch norm while training", help="Inserted before, folded away after"
    )
    teacher: float = param(
        0.0, "Weight of the original's answers", lo=0.0, hi=1.0,
        help="The rest is the labels'; without labels the original says it all",
    )  # fmt: skip
    temperature: float = param(1.0, "Temperature of its answers", lo=0.5, hi=20.0)
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: PruneChannels, model: Model) -> Model:
    """The structure of the result, with the weights that were there.

    Raises:
        RecipeError: the model is quantised, or no channel can be removed.
    """
    cut = _cut(_prepared(p, model), _sizes(model, _target(p, model), p.multiple))
    return model.derived(cut.ir, STEP.id, asdict(p), _report(model, cut))


def run(
    p: PruneChannels, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Remove a part of the channels, train, and repeat until the target is reached.

    Raises:
        RecipeError: as `preview`; no data to train on.
        DataError: data that do not fit the model.
    """
    checkpoints = checkpoints or Checkpoints()
    ratio = _target(p, model)
    yield Progress("Finding channels", 0.0)
    current = _prepared(p, model)
    for index in range(p.iterations):
        sizes = _sizes(model, ratio * (index + 1) / p.iterations, p.multiple)
        current = _cut(current, sizes)
        if p.epochs:
            schedule = Schedule(p.epochs, p.rate, seed=p.seed + index)
            trainable = check_trainable(current, data, STEP.id)
            current = yield from recover(
                current, trainable, schedule, checkpoints.next(), batch_norm=p.batch_norm,
                loss=teaching(model, trainable, p.teacher, p.temperature),
                part=(index / p.iterations, (index + 1) / p.iterations),
                text=f"Iteration {index + 1} of {p.iterations}",
            )  # fmt: skip
    yield Progress(f"{model.parameters} parameters became {current.parameters}", 1.0)
    return model.derived(current.clone_ir(), STEP.id, asdict(p), _report(model, current))


STEP = Step(
    PruneChannels, preview, run, group="Prune", title="Prune channels", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def _target(p: PruneChannels, model: Model) -> float:
    """The ratio to prune at, checked."""
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "prune before quantising")
    found = channels.analyse(model.ir.graph)
    groups = found.groups()
    if not groups:
        raise RecipeError(
            "no channel can be removed", STEP.id, "all of them reach an input or output"
        )
    full = [len(group) for group in groups]
    ratio = _ratio_within(p, model, found, groups) if p.budget_bytes else p.ratio
    if list(channels.counts_at(groups, ratio, p.multiple)) == full and not p.budget_bytes:
        raise RecipeError(
            f"a share of {ratio:g} removes no channel", STEP.id,
            f"layers have {min(full)} to {max(full)}; choose a larger share or a smaller multiple",
        )  # fmt: skip
    return ratio


def _ratio_within(
    p: PruneChannels, model: Model, found: channels.Channels, groups: list[channels.Ids]
) -> float:
    """The smallest ratio at which the weights fit the budget."""
    fixed = model.parameters - sum(
        channels.parameters(found, np.ones(len(found.parent), np.bool_)).values()
    )
    worth = np.zeros(len(found.parent))
    for ratio in _RATIOS:
        kept = channels.kept_of(found, groups, channels.counts_at(groups, ratio, p.multiple), worth)
        sizes = channels.parameters(found, kept)
        taken = fixed + sum(n * (_BIAS_BYTES if i == 2 else 1) for (_, i), n in sizes.items())
        if taken <= p.budget_bytes:
            return ratio
    raise RecipeError(
        f"the weights cannot be brought to {p.budget_bytes} bytes", STEP.id,
        f"the smallest net of this form takes {taken}",
    )  # fmt: skip


def _prepared(p: PruneChannels, model: Model) -> Model:
    return with_biases(model) if p.batch_norm and p.epochs else model


def _sizes(model: Model, ratio: float, multiple: int) -> list[int]:
    """Channels to keep of each group of the unpruned model."""
    groups = channels.analyse(model.ir.graph).groups()
    return list(channels.counts_at(groups, ratio, multiple))


def _cut(model: Model, sizes: list[int]) -> Model:
    """The model with the least important channels of each group removed."""
    ir = model.clone_ir()
    found = channels.analyse(ir.graph)
    kept = channels.kept_of(found, found.groups(), sizes, channels.importance(found))
    channels.remove(ir.graph, found, kept)
    return Model.from_ir(ir, model.name)


def _report(before: Model, after: Model) -> dict[str, str]:
    """Channels of each layer, before and after."""
    names = {node.outputs[0].name for node in after.ir.graph}
    told = {}
    for node in before.ir.graph:
        out = node.outputs[0].name or ""
        if node.op_type in ("Conv", "Gemm", "MatMul") and out in names:
            axis = 1 if node.op_type == "Conv" else -1
            was, now = before.shape_of(out)[axis], after.shape_of(out)[axis]
            told[node.name or ""] = f"{was} channels, now {now}" if was != now else "unchanged"
    return told
