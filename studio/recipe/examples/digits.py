"""Handwritten digits: the model is shipped, `resources/examples/digits/train.py` makes it."""

from __future__ import annotations

from studio.data.dataset import Dataset, load
from studio.job import Job
from studio.model.importers import open_model
from studio.model.model import Model
from studio.recipe.examples import Example
from studio.recipe.recipe import Recipe, read_recipe
from studio.targets.resources import resource

EXAMPLE = Example(
    "digits",
    "Digits",
    "Reads handwritten digits of 8 x 8 pixels with a small depthwise-separable CNN.",
)


def open_example() -> Job[tuple[Model, Dataset, Recipe]]:
    """The shipped model, the 1 797 images and the safe int8 recipe."""
    model = yield from open_model(resource("resources/examples/digits/digits.onnx"))
    return model, load("example:digits"), read_recipe(resource("resources/recipes/safe_int8.toml"))
