"""A run that is cancelled or killed keeps whole epochs, goes on from there and ends the same."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
from compression import small

from studio.errors import RecipeError
from studio.job import Job, finish
from studio.recipe.cache import Cache
from studio.recipe.recipe import Node, Recipe
from studio.recipe.runner import Models, run

RECIPE = Recipe(
    (
        Node("tune", "fine_tune", {"epochs": 4}),
        Node("prune", "prune_channels", {"ratio": 0.5, "iterations": 2, "epochs": 3}, "tune"),
        Node("int8", "quantize_int8", {"samples": 16}, "prune"),
    )
)


def cancelled(job: Job[Models]) -> None:
    job.close()


def killed(job: Job[Models]) -> None:
    """As when memory runs out or the power goes."""
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(RecipeError, match="worker process died"):
        finish(job)


def started(folder: Path) -> Job[Models]:
    return run(RECIPE, small.trained(), small.data(), Cache(folder))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    results = finish(started(tmp_path_factory.mktemp("undisturbed")))
    return {id: model.to_bytes() for id, model in results.items()}


@pytest.mark.parametrize(("end", "share"), [(cancelled, 0.2), (killed, 0.55)])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    end: Callable[[Job[Models]], None],
    share: float,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
) -> None:
    before = small.fingerprint(small.trained())
    job = started(tmp_path)
    for progress in job:
        if (progress.done or 0) >= share:
            break
    end(job)
    assert not multiprocessing.active_children()
    assert small.fingerprint(small.trained()) == before
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".pt" for path in kept)
    results = finish(started(tmp_path))
    assert {id: model.to_bytes() for id, model in results.items()} == undisturbed
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == len(RECIPE.nodes) and {path.suffix for path in left} == {".onnx"}
