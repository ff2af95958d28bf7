"""Train a model further on its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import real
from studio.compression.step import Needs, Step, param
from studio.compression.training import OPTIMIZERS, SHAPES, Schedule, check_trainable, train
from studio.errors import RecipeError
from studio.job import Job
from studio.model.execute import Network

if TYPE_CHECKING:
    from studio.data.dataset import Dataset
    from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class FineTune:
    """Train all weights further, to win back what earlier steps have cost.

    Classifiers learn from labels, an autoencoder (output of the input's shape) without any.
    The same seed gives the same weights.
    """

    epochs: int = param(10, "Epochs", lo=1, hi=10_000)
    rate: float = param(1e-3, "Learning rate", lo=1e-7, hi=1.0)
    schedule: str = param("cosine", "Schedule", choices=SHAPES)
    optimizer: str = param("adam", "Optimiser", choices=OPTIMIZERS)
    batch: int = param(64, "Batch", lo=1, hi=4096)
    noise: float = param(
        0.0, "Noise", lo=0.0, hi=2.0, help="Gaussian, in standard deviations of the samples"
    )
    shift: int = param(
        0, "Shift", lo=0, hi=4096, help="At most, circular, along the longest axis of a sample"
    )
    l1: float = param(0.0, "L1", lo=0.0, hi=100.0, help="Drives weights to zero")
    l2: float = param(1e-4, "L2", lo=0.0, hi=1.0, help="Keeps weights small")
    dropout: float = param(
        0.0, "Dropout", lo=0.0, hi=0.9, help="Share of the inputs of dense layers"
    )
    smoothing: float = param(0.0, "Label smoothing", lo=0.0, hi=0.5)
    patience: int = param(
        0, "Stop early after", lo=0, hi=1000, unit="epochs",
        help="Epochs without a lower validation loss; 0 trains to the end",
    )  # fmt: skip
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: FineTune, model: Model) -> Model:
    """The model itself: training changes no structure.

    Raises:
        RecipeError: the model is quantised.
    """
    _refuse_quantized(model)
    return model.derived(model.clone_ir(), STEP.id, asdict(p))


def run(
    p: FineTune, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Train.

    Raises:
        RecipeError: no data, no labels, a quantised model, training that diverges.
        DataError: data that do not fit the model.
    """
    _refuse_quantized(model)
    data = check_trainable(model, data, STEP.id, teacher=False)
    schedule = Schedule(
        p.epochs, p.rate, p.batch, p.optimizer, p.schedule, noise=p.noise, shift=p.shift, l1=p.l1,
        l2=p.l2, dropout=p.dropout, smoothing=p.smoothing, patience=p.patience, seed=p.seed,
    )  # fmt: skip
    network = Network(model)
    yield from train(network, data, schedule, (checkpoints or Checkpoints()).next())
    trained = network.write_back()
    return model.derived(trained.clone_ir(), STEP.id, asdict(p), _report(model, trained))


def _report(before: Model, after: Model) -> dict[str, str]:
    """How far the constants of each node have moved, by their root mean squares."""
    now = after.ir.graph.initializers
    told = {}
    for node in before.ir.graph:
        names = [v.name or "" for v in node.inputs if v is not None and v.name in now]
        pairs = [(real(before.ir.graph.initializers[name]), real(now[name])) for name in names]
        moved = sum(float(np.square(new - old).sum()) for old, new in pairs)
        size = sum(float(np.square(old).sum()) for old, _ in pairs)
        if moved:
            told[node.name or ""] = f"weights moved by {100 * (moved / (size or 1)) ** 0.5:.1f} %"
    return told


def _refuse_quantized(model: Model) -> None:
    if model.quantized:
        raise RecipeError(
            "the model is quantised", STEP.id, "fine-tune before quantising, or train with qat"
        )


STEP = Step(
    FineTune, preview, run, group="Train", title="Fine-tune", needs=Needs.SAMPLES, trains=True
)
