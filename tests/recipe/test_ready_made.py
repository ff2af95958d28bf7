"""The recipes that come with the studio apply to the examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import RecipeError
from studio.job import finish
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.recipe.recipe import read_recipe
from studio.recipe.runner import preview
from studio.targets.resources import resource

RECIPES = sorted(resource("resources/recipes").glob("*.toml"))


@pytest.fixture(scope="module")
def digits() -> Model:
    model, _, _ = finish(open_example("digits"))
    return model


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_ready_made_recipe_applies_or_says_why_not(path: Path, digits: Model) -> None:
    recipe = read_recipe(path)
    assert recipe.name and recipe.description
    if path.stem == "recurrent":
        with pytest.raises(RecipeError, match="no recurrent layer"):
            preview(recipe, digits)
        return
    results = preview(recipe, digits)
    assert set(results) == {node.id for node in recipe.nodes}
    assert all(results[node.id].quantized for node in recipe.variants)
