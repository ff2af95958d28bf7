"""Example projects: a model, its data and a recipe.

Each file here has EXAMPLE and `open_example() -> Job[(Model, Dataset, Recipe)]`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from studio.errors import RecipeError
from studio.job import Job

if TYPE_CHECKING:
    from studio.data.dataset import Dataset
    from studio.model.model import Model
    from studio.recipe.recipe import Recipe

    Opened = tuple[Model, Dataset, Recipe]


@dataclass(frozen=True, slots=True)
class Example:
    """An example for people to choose: its id, title and what it shows."""

    id: str
    title: str
    description: str


def examples() -> tuple[Example, ...]:
    """All examples, by id."""
    return tuple(module.EXAMPLE for module in _modules().values())


def open_example(id: str) -> Job[Opened]:
    """The model, data and recipe of an example; *motion* trains its model on first use.

    Raises:
        RecipeError: there is no such example.
        DataError: its recordings are not installed.
    """
    module = _modules().get(id)
    if module is None:
        raise RecipeError(f"there is no example '{id}'", hint=f"there are: {', '.join(_modules())}")
    opened: Opened = yield from module.open_example()
    return opened


@cache
def _modules() -> dict[str, ModuleType]:
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return {module.EXAMPLE.id: module for module in modules}
