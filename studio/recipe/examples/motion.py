"""Motion of the wrist: trained on first use, since neither data nor weights may be shipped."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from studio.data.dataset import Dataset, load
from studio.errors import ModelError
from studio.job import Job, in_process
from studio.model.model import Model
from studio.recipe.cache import Cache, key_of
from studio.recipe.examples import Example
from studio.recipe.recipe import Recipe, read_recipe
from studio.targets.resources import resource

if TYPE_CHECKING:
    import torch

EXAMPLE = Example(
    "motion",
    "Motion",
    "Tells standing, walking, running and badminton apart from a six-axis sensor on the wrist.",
)
SEED = 3
# Whatever changes the trained weights stands here, so that a cached model is the right one.
_VERSION = 1


def open_example() -> Job[tuple[Model, Dataset, Recipe]]:
    """The model (trained in under a minute on first use, then cached), the windows, the recipe."""
    data = load("example:motion")
    cache = Cache()
    key = key_of({"example": EXAMPLE.id, "version": _VERSION, "seed": SEED, "data": data.digest})
    model = cache.get(key, EXAMPLE.id)
    if model is None:
        serialized = yield from in_process(
            train_model, data, text="Training motion", failure=ModelError
        )
        model = Model.from_bytes(serialized, EXAMPLE.id)
        cache.put(key, model)
    return model, data, read_recipe(resource("resources/recipes/safe_int8.toml"))


def train_model(data: Dataset) -> Job[bytes]:
    """Train the net on the training part; returns serialised, normalised ONNX."""
    import onnx
    import torch

    from studio.model.normalize import normalize
    from studio.model.training import Schedule, to_onnx, train

    torch.manual_seed(SEED)
    net = _network(data.shape[0], len(data.labels))
    schedule = Schedule(epochs=120, batch=10, rate=3e-3, noise=0.1, shift=20)
    yield from train(net, data, schedule, SEED)
    proto = onnx.ModelProto.FromString(to_onnx(net, data.shape, EXAMPLE.id))
    return normalize(proto, EXAMPLE.id)


def _network(channels: int, classes: int) -> torch.nn.Sequential:
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for index, width in enumerate((16, 24, 32), 1):
        layers[f"conv{index}"] = nn.Conv1d(channels, width, 5, padding=2, bias=False)
        layers[f"norm{index}"] = nn.BatchNorm1d(width)
        layers[f"relu{index}"] = nn.ReLU()
        if index < 3:
            layers[f"pool{index}"] = nn.MaxPool1d(2)
        channels = width
    layers["mean"] = nn.AdaptiveAvgPool1d(1)
    layers["flatten"] = nn.Flatten()
    layers["dense"] = nn.Linear(channels, classes)
    return nn.Sequential(layers)
