"""Training a Network: the loop that every step with epochs shares.

The same seed gives the same bytes: one thread, and random numbers drawn anew for each epoch, so
that a resumed training draws what an undisturbed one would have drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.compression.checkpoint import Checkpoint
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.evaluate import check_fits
from studio.model.execute import Network
from studio.model.model import Model

if TYPE_CHECKING:
    from torch import Tensor

# (outputs before any softmax, samples as the network saw them, indices of the samples) -> loss
Loss = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]

OPTIMIZERS = ("adam", "adamw", "sgd")
SHAPES = ("cosine", "linear", "constant")
_BATCHES_A_REPORT = 8
_INFERENCE_BATCH = 256


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to train.

    Attributes:
        rate: learning rate of the weights at the start.
        scale_rate: learning rate of quantisation scales as a share of `rate`.
        shape: how the rate falls over the epochs: "cosine" and "linear" to zero, or "constant".
        noise: standard deviation of Gaussian noise, in units of the samples'.
        shift: largest circular shift of a batch along the longest axis of a sample.
        l1: weight of the mean absolute value of the weights in the loss.
        l2: weight decay of weights that are matrices or kernels.
        dropout: share of the inputs of dense layers that are set to zero.
        smoothing: label smoothing of the cross-entropy.
        patience: epochs without a better validation loss after which to stop; 0 never stops.
    """

    epochs: int
    rate: float = 1e-3
    batch: int = 64
    optimizer: str = "adam"
    shape: str = "cosine"
    scale_rate: float = 0.02
    noise: float = 0.0
    shift: int = 0
    l1: float = 0.0
    l2: float = 1e-4
    dropout: float = 0.0
    smoothing: float = 0.0
    patience: int = 0
    seed: int = 0


def check_trainable(model: Model, data: Dataset | None, step: str, teacher: bool = True) -> Dataset:
    """The data, if a model can be trained on them.

    Args:
        model: to train.
        data: with or without labels.
        step: its id, for errors.
        teacher: whether `teaching` can stand in for labels.

    Raises:
        RecipeError: no data, or no labels where neither a teacher nor an autoencoder does without.
        DataError: data that do not fit the model.
        ModelError: an operator that cannot be trained.
    """
    if data is None:
        raise RecipeError("needs samples to train on", step, "choose a data set")
    check_fits(data, model)
    if data.y is None and not teacher and not is_autoencoder(model):
        raise RecipeError("needs labels", step, "without them only an autoencoder can be trained")
    Network(model)
    return data


def is_autoencoder(model: Model) -> bool:
    """Whether a model answers with something of the form of its input."""
    return model.outputs[0].shape == model.inputs[0].shape


def teaching(
    teacher: Model, data: Dataset, alpha: float = 0.0, temperature: float = 1.0
) -> Loss | None:
    """The loss of departing from a model's own answers, weighed against the task's own.

    T^2 KL(teacher || student), with probabilities softened by T; for an autoencoder the squared
    error.

    Args:
        teacher: the model before the step.
        data: its training part is answered once.
        alpha: weight of the teacher, the rest is the task's; where neither labels nor an
            autoencoder's input say what is right, the teacher has it all.
        temperature: T.

    Returns:
        None where the task's own loss is all.
    """
    import torch
    from torch.nn import functional

    part = data.train
    numbers = is_autoencoder(teacher)
    alone = part.y is None and not numbers
    if not alpha and not alone:
        return None
    told = torch.from_numpy(answers(Network(teacher), part.x))

    def distance(out: Tensor, x: Tensor, chosen: Tensor) -> Tensor:
        if numbers:
            return functional.mse_loss(out, told[chosen])
        soft, wanted = (
            functional.log_softmax(values.flatten(1) / temperature, 1)
            for values in (out, told[chosen])
        )
        divergence = functional.kl_div(soft, wanted, reduction="batchmean", log_target=True)
        return divergence * temperature**2

    task = _task(None if part.y is None else torch.from_numpy(part.y))

    def mixed(out: Tensor, x: Tensor, chosen: Tensor) -> Tensor:
        return alpha * distance(out, x, chosen) + (1 - alpha) * task(out, x, chosen)

    return distance if alone else mixed


def _task(y: Tensor | None, smoothing: float = 0.0) -> Loss:
    """Cross-entropy where there are labels, else the error of the reconstruction."""
    from torch.nn import functional

    def loss(out: Tensor, x: Tensor, chosen: Tensor) -> Tensor:
        if y is None:
            return functional.mse_loss(out, x)
        return functional.cross_entropy(out.flatten(1), y[chosen], label_smoothing=smoothing)

    return loss


def train(
    network: Network,
    data: Dataset,
    schedule: Schedule,
    checkpoint: Checkpoint | None = None,
    *,
    loss: Loss | None = None,
    hold: Callable[[], None] = lambda: None,
    part: tuple[float, float] = (0.0, 1.0),
    text: str = "Training",
) -> Job[None]:
    """Train a network in place on the training part of the data.

    Args:
        network: left in inference mode.
        data: with labels; without, `loss` or an autoencoder does without.
        schedule: how.
        checkpoint: goes on from there, and saves after each epoch.
        loss: what to minimise; cross-entropy with labels, squared error without, if absent.
        hold: called after each step of the optimiser, to put back what must not move.
        part: the range of Progress.done that this training fills.
        text: what Progress says before the epoch.

    Raises:
        RecipeError: the loss is not finite any more.
    """
    import torch

    torch.set_num_threads(1)  # sums in one order, whatever the machine
    run = _Run(network, data, schedule, loss, hold)
    saved = checkpoint.load() if checkpoint else None
    if saved:
        run.restore(saved)
    first, begin = run.epoch, time.monotonic()
    try:
        while run.epoch < schedule.epochs and not run.stopped:
            for share in run.batches():
                yield Progress(
                    f"{text}: epoch {run.epoch + 1} of {schedule.epochs}",
                    part[0] + (part[1] - part[0]) * (run.epoch + share) / schedule.epochs,
                    run.figures(begin, first, share),
                )
            run.end_epoch()
            if checkpoint:
                checkpoint.save(run.state())
        run.finish()
    finally:
        network.train(False)
    figures = {**run.last, "epoch": float(run.epoch), "time_left_s": 0.0}
    yield Progress(f"{text}: done", part[1], figures)


def answers(network: Network, x: Any) -> Any:
    """Outputs before any softmax, as numpy [n, ...], for samples [n, ...]."""
    import numpy as np
    import torch

    name = logits_of(network.model)
    with torch.no_grad():
        parts = [
            network.values(part, (name,))[name][:, 0].numpy()
            for part in torch.split(torch.from_numpy(x), _INFERENCE_BATCH)
        ]
    return np.concatenate(parts)


def logits_of(model: Model) -> str:
    """The value to compute the loss on: what goes into a softmax at the end, else the output."""
    value = output = model.ir.graph.outputs[0]
    while (node := value.producer()) is not None:
        source = node.inputs[0]
        if source is None or node.op_type not in (
            "Softmax", "LogSoftmax", "QuantizeLinear", "DequantizeLinear",
        ):  # fmt: skip
            break
        if node.op_type in ("Softmax", "LogSoftmax"):
            return source.name or ""
        value = source
    return output.name or ""


class _Run:
    """One training: its data, optimiser and how far it is."""

    def __init__(
        self,
        network: Network,
        data: Dataset,
        schedule: Schedule,
        loss: Loss | None,
        hold: Callable[[], None],
    ) -> None:
        import torch

        self.network, self.schedule, self.hold = network, schedule, hold
        self.x, self.y, self.held_x, self.held_y = _parts(data, schedule.patience > 0)
        self.loss = loss or _task(self.y, schedule.smoothing)
        self.logits = logits_of(network.model)
        self.optimizer = _optimizer(network, schedule)
        self.noise = schedule.noise * float(self.x.std())
        self.epoch, self.stopped = 0, False
        self.best: dict[str, Tensor] = {}
        self.best_loss, self.waited = math.inf, 0
        self.last: dict[str, float] = {}
        self.sums = torch.zeros(3)

    def batches(self) -> Iterator[float]:
        """Train one epoch; yields the share of it that is done, now and then."""
        import torch

        random = torch.Generator().manual_seed(self.schedule.seed * 1_000_003 + self.epoch)
        order = torch.split(torch.randperm(len(self.x), generator=random), self.schedule.batch)
        if len(order) > 1 and len(order[-1]) == 1:  # batch norms need two samples
            order = (*order[:-2], torch.cat(order[-2:]))
        self.network.train(True)
        self.network.dropout = self.schedule.dropout, random
        self.sums = torch.zeros(3)
        for index, chosen in enumerate(order):
            if index % _BATCHES_A_REPORT == 0:
                yield index / len(order)
            self._set_rate((self.epoch + index / len(order)) / self.schedule.epochs)
            self._step(chosen, random)
            self.hold()
        self.network.train(False)

    def _step(self, chosen: Tensor, random: Any) -> None:
        import torch

        x = _augmented(self.x[chosen], self.noise, self.schedule.shift, random)
        out = self.network.values(x, (self.logits,))[self.logits][:, 0]
        loss = self.loss(out, x, chosen)
        if not math.isfinite(float(loss.detach())):
            raise RecipeError("training has diverged", hint="choose a lower learning rate")
        if self.schedule.l1:
            weights = [t for t in self.network.parameters.values() if t.ndim > 1]
            size = sum(t.abs().sum() for t in weights) / sum(t.numel() for t in weights)
            loss = loss + self.schedule.l1 * size
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        right = 0
        if self.y is not None:
            right = int((out.detach().flatten(1).argmax(1) == self.y[chosen]).sum())
        self.sums += torch.tensor([float(loss.detach()) * len(chosen), right, len(chosen)])

    def _set_rate(self, share: float) -> None:
        factor = {
            "cosine": (1 + math.cos(math.pi * share)) / 2,
            "linear": 1 - share,
            "constant": 1.0,
        }[self.schedule.shape]
        for group in self.optimizer.param_groups:
            group["lr"] = factor * group["rate"]

    def end_epoch(self) -> None:
        """Note the figures; with patience, measure the held-out part and keep the best."""
        self.epoch += 1
        loss, right, seen = self.sums.tolist()
        self.last = {"loss": loss / seen}
        if self.y is not None:
            self.last["accuracy"] = right / seen
        if self.held_x is None or (self.held_y is None and not is_autoencoder(self.network.model)):
            return
        held_loss, held_accuracy = self._measured()
        self.last["validation_loss"] = held_loss
        if self.held_y is not None:
            self.last["validation_accuracy"] = held_accuracy
        if not self.schedule.patience:
            return
        if held_loss < self.best_loss:
            self.best_loss, self.waited, self.best = held_loss, 0, _copied(self.network)
        else:
            self.waited += 1
        self.stopped = self.waited >= self.schedule.patience

    def _measured(self) -> tuple[float, float]:
        import torch
        from torch.nn import functional

        assert self.held_x is not None
        out = torch.from_numpy(answers(self.network, self.held_x.numpy()))
        if self.held_y is None:
            return float(functional.mse_loss(out, self.held_x)), 0.0
        out = out.flatten(1)
        right = (out.argmax(1) == self.held_y).float().mean()
        return float(functional.cross_entropy(out, self.held_y)), float(right)

    def finish(self) -> None:
        """Go back to the best epoch, if one was kept."""
        if self.best:
            _put_back(self.network, self.best)

    def figures(self, begin: float, first: int, share: float) -> dict[str, float]:
        """Epoch, loss, accuracy, seconds left."""
        done = self.epoch - first + share
        figures = {"epoch": self.epoch + 1.0, **self.last}
        if done > 0:
            left = self.schedule.epochs - self.epoch - share
            figures["time_left_s"] = (time.monotonic() - begin) / done * left
        return figures

    def state(self) -> dict[str, Any]:
        """Everything that the epochs to come depend on."""
        return {
            "epoch": self.epoch,
            "stopped": self.stopped,
            "tensors": _copied(self.network),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "best_loss": self.best_loss,
            "waited": self.waited,
            "last": self.last,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.epoch, self.stopped = state["epoch"], state["stopped"]
        self.best, self.best_loss = state["best"], state["best_loss"]
        self.waited, self.last = state["waited"], state["last"]
        _put_back(self.network, state["tensors"])
        self.optimizer.load_state_dict(state["optimizer"])


def _parts(
    data: Dataset, hold_out: bool
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """Samples and labels to train on, and those held out: validation, or every tenth."""
    import numpy as np
    import torch

    trained, held = data.train, None
    if "validation" in data.split:
        held = data.validation
    elif hold_out and len(trained) >= 10:
        index = np.arange(len(trained))
        held = trained.take(np.flatnonzero(index % 10 == 9))
        trained = trained.take(np.flatnonzero(index % 10 != 9))

    def labels(part: Dataset | None) -> Tensor | None:
        return None if part is None or part.y is None else torch.from_numpy(part.y)

    held_x = None if held is None else torch.from_numpy(held.x)
    return torch.from_numpy(trained.x), labels(trained), held_x, labels(held)


def _optimizer(network: Network, schedule: Schedule) -> Any:
    """Weights decay, biases do not, scales learn slowly."""
    import torch

    weights: list[Tensor] = []
    biases: list[Tensor] = []
    scales: list[Tensor] = []
    for name, tensor in network.parameters.items():
        group = scales if name in network.scales else weights if tensor.ndim > 1 else biases
        group.append(tensor)
    groups = [
        {"params": weights, "rate": schedule.rate, "weight_decay": schedule.l2},
        {"params": biases, "rate": schedule.rate, "weight_decay": 0.0},
        {"params": scales, "rate": schedule.rate * schedule.scale_rate, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise RecipeError(
            "has no weights to train", network.model.name, "leave the training step out"
        )
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=schedule.rate, momentum=0.9)
    kind = torch.optim.AdamW if schedule.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=schedule.rate)


def _augmented(x: Tensor, noise: float, shift: int, random: Any) -> Tensor:
    import torch

    if noise:
        x = x + noise * torch.randn(x.shape, generator=random)
    if shift:
        sizes = x.shape[1:]
        longest = max(range(len(sizes)), key=lambda axis: (sizes[axis], axis))
        by = int(torch.randint(-shift, shift + 1, (), generator=random))
        x = x.roll(by, dims=longest + 1)
    return x


def _copied(network: Network) -> dict[str, Tensor]:
    tensors = {**network.parameters, **network.constants}
    return {name: t.detach().clone() for name, t in tensors.items() if t.is_floating_point()}


def _put_back(network: Network, state: dict[str, Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, tensor in state.items():
            {**network.parameters, **network.constants}[name].copy_(tensor)
