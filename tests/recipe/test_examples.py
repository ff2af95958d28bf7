"""The examples open, reach their accuracy and train the same net every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.dataset import load
from studio.errors import RecipeError
from studio.job import Progress, finish
from studio.model.evaluate import evaluate
from studio.model.model import Model
from studio.recipe.cache import Cache
from studio.recipe.examples import examples, motion, open_example
from studio.recipe.runner import run


def test_the_examples_are_found() -> None:
    assert [example.id for example in examples()] == ["digits", "motion"]
    assert all(example.title and example.description for example in examples())
    with pytest.raises(RecipeError, match="no example 'nothing'"):
        finish(open_example("nothing"))


def test_digits_lose_at_most_two_images_to_int8(tmp_path: Path) -> None:
    model, data, recipe = finish(open_example("digits"))
    assert any(node.op_type == "BatchNormalization" for node in model.ir.graph)
    exact = evaluate(model, data)
    assert exact.accuracy >= 0.98 and exact.n == 597
    result = finish(run(recipe, model, data, Cache(tmp_path)))["int8"]
    assert exact.correct - evaluate(result, data).correct <= 2


def test_motion_trains_once_then_comes_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path))
    seen: list[Progress] = []
    model, data, recipe = finish(open_example("motion"), seen.append)
    assert any("loss" in progress.figures for progress in seen)
    assert evaluate(model, data).accuracy >= 0.95
    again: list[Progress] = []
    cached, _, _ = finish(open_example("motion"), again.append)
    assert cached.digest == model.digest and not again
    result = finish(run(recipe, model, data, Cache(tmp_path)))["int8"]
    assert evaluate(model, data).correct - evaluate(result, data).correct <= 1


def test_training_is_the_same_every_time() -> None:
    data = load("example:motion")
    first, second = (Model.from_bytes(finish(motion.train_model(data))) for _ in range(2))
    assert first.digest == second.digest
