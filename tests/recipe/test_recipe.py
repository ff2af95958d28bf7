"""Recipes are trees; files say which field is wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from studio.errors import RecipeError
from studio.recipe.recipe import Node, Recipe, parse_recipe, read_recipe, write_recipe
from studio.targets.resources import resource

TREE = Recipe(
    (
        Node("fold", "fold_batch_norm"),
        Node("a", "quantize_int8", {"samples": 16}, "fold", title="Few samples"),
        Node("b", "quantize_int8", {"per_channel": False}, "fold", muted=True),
    ),
    "Two variants",
)


def test_every_leaf_is_a_variant() -> None:
    assert [node.id for node in TREE.variants] == ["a", "b"]
    assert [node.id for node in TREE.path("b")] == ["fold", "b"]
    with pytest.raises(RecipeError, match="no node 'c'"):
        TREE.path("c")


def test_a_recipe_survives_its_file_and_pickling() -> None:
    assert parse_recipe(write_recipe(TREE)) == TREE
    assert pickle.loads(pickle.dumps(TREE)) == TREE
    assert parse_recipe("") == Recipe()


def test_the_shipped_recipe_folds_then_quantises() -> None:
    recipe = read_recipe(resource("resources/recipes/safe_int8.toml"))
    assert [node.step for node in recipe.path("int8")] == ["fold_batch_norm", "quantize_int8"]


HEAD = '[[node]]\nid = "q"\nstep = "quantize_int8"\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[node", "is no TOML"),
        ("colour = 1", "unknown field 'colour'"),
        ("name = 1", "'name' must be a text"),
        ("node = 1", "'node' must be an array of tables"),
        ("node = [1]", "node 1: is no table"),
        ('[[node]]\nid = "q"', "node 1: 'step' is missing"),
        ('[[node]]\nstep = "quantize_int8"', "node 1: 'id' is missing"),
        (HEAD + "muted = 1", "node 1: 'muted' must be of type bool"),
        (HEAD + "sample = 1", "node 1: unknown field 'sample'"),
        (HEAD + "params = { sample = 1 }", "no parameter 'sample'"),
        (HEAD + "params = { samples = 0 }", "quantize_int8.samples: 0 is outside"),
        (HEAD + 'params = { samples = "many" }', "'many' is no int"),
        (HEAD + 'parent = "nobody"', "node q: the parent 'nobody'"),
        (HEAD + 'parent = "q"', "node q: the parent 'q'"),
        (HEAD + HEAD, "two nodes are called 'q'"),
        ('[[node]]\nid = "q"\nstep = "shrink"', "node q: there is no step 'shrink'"),
    ],
)
def test_a_bad_recipe_file_names_the_field(text: str, what: str) -> None:
    with pytest.raises(RecipeError) as raised:
        parse_recipe(text)
    assert what in str(raised.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="No such file"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\x00\x81")
    with pytest.raises(RecipeError, match="no text"):
        read_recipe(tmp_path / "binary.toml")
