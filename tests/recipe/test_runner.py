"""Running recipes: what is computed once is not computed again."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nets import ds_cnn

from studio.data.dataset import Dataset
from studio.errors import DataError, RecipeError
from studio.job import Progress, finish
from studio.model.model import Model
from studio.recipe.cache import Cache
from studio.recipe.recipe import Node, Recipe
from studio.recipe.runner import preview, run

FOLD = Node("fold", "fold_batch_norm")
INT8 = Node("int8", "quantize_int8", {"samples": 4}, "fold")


@pytest.fixture(scope="module")
def model() -> Model:
    return ds_cnn()


@pytest.fixture(scope="module")
def data(model: Model) -> Dataset:
    x = np.random.default_rng(0).normal(size=(8, *model.inputs[0].shape[1:])).astype(np.float32)
    return Dataset("random", x, None, (), np.full(8, "train"))


def computed(recipe: Recipe, model: Model, data: Dataset | None, cache: Cache) -> list[str]:
    """Which steps a run computes, by the titles in its progress."""
    seen: list[Progress] = []
    finish(run(recipe, model, data, cache), seen.append)
    titles = (p.text.partition(":")[0] for p in seen if ": " in p.text)
    return [title for title, _ in itertools.groupby(titles)]


def test_a_second_run_computes_nothing_and_a_changed_last_step_only_itself(
    model: Model, data: Dataset, tmp_path: Path
) -> None:
    cache, recipe = Cache(tmp_path), Recipe((FOLD, INT8))
    assert computed(recipe, model, data, cache) == ["Fold batch norm", "Quantise to int8"]
    assert computed(recipe, model, data, cache) == []
    other = Recipe((FOLD, replace(INT8, params={"samples": 5})))
    assert computed(other, model, data, cache) == ["Quantise to int8"]
    more = replace(data, x=data.x + 1)
    assert computed(recipe, model, more, cache) == ["Quantise to int8"]


def test_cached_results_are_byte_for_byte_those_computed(
    model: Model, data: Dataset, tmp_path: Path
) -> None:
    recipe = Recipe((FOLD, INT8))
    fresh = finish(run(recipe, model, data, Cache(tmp_path / "a")))
    again = finish(run(recipe, model, data, Cache(tmp_path / "a")))
    other = finish(run(recipe, model, data, Cache(tmp_path / "b")))
    for id in ("fold", "int8"):
        assert fresh[id].to_bytes() == again[id].to_bytes() == other[id].to_bytes()
    assert [entry["step"] for entry in fresh["int8"].history] == [
        "fold_batch_norm",
        "quantize_int8",
    ]


def test_variants_share_what_they_have_in_common(
    model: Model, data: Dataset, tmp_path: Path
) -> None:
    second = Node("rough", "quantize_int8", {"per_channel": False, "samples": 4}, "fold")
    muted = Node("skipped", "quantize_int8", {}, "fold", muted=True)
    results = finish(run(Recipe((FOLD, INT8, second, muted)), model, data, Cache(tmp_path)))
    assert list(results) == ["fold", "int8", "rough", "skipped"]
    assert results["skipped"].digest == results["fold"].digest
    assert len(list(tmp_path.glob("*.onnx"))) == 3


def test_a_cancelled_run_leaves_no_half_file(model: Model, data: Dataset, tmp_path: Path) -> None:
    job = run(Recipe((FOLD, INT8)), model, data, Cache(tmp_path))
    for progress in job:
        if "Quantise" in progress.text:
            break
    job.close()
    assert {file.suffix for file in tmp_path.iterdir()} <= {".onnx"}
    assert computed(Recipe((FOLD, INT8)), model, data, Cache(tmp_path)) == ["Quantise to int8"]


def test_progress_only_grows(model: Model, data: Dataset, tmp_path: Path) -> None:
    seen: list[Progress] = []
    finish(run(Recipe((FOLD, INT8)), model, data, Cache(tmp_path)), seen.append)
    done = [progress.done for progress in seen if progress.done is not None]
    assert done == sorted(done) and done[-1] == 1.0


def test_a_step_without_its_data_is_refused_before_anything_runs(
    model: Model, data: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"node int8 \(quantize_int8\): needs data"):
        finish(run(Recipe((FOLD, INT8)), model, None, Cache(tmp_path)))
    assert not list(tmp_path.iterdir())
    wrong = replace(data, x=data.x[..., :5])
    with pytest.raises(DataError, match="the model takes"):
        finish(run(Recipe((FOLD, INT8)), model, wrong, Cache(tmp_path)))


def test_a_read_only_cache_only_costs_the_caching(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "models")
    assert finish(run(Recipe((FOLD,)), model, None, cache))["fold"].macs == model.macs


def test_previews_are_kept_upstream_of_a_change(model: Model) -> None:
    first = preview(Recipe((FOLD, INT8)), model)
    changed = Recipe((FOLD, replace(INT8, params={"per_channel": False})))
    second = preview(changed, model)
    assert second["fold"] is first["fold"]
    assert second["int8"] is not first["int8"] and second["int8"].quantized
    assert preview(Recipe((FOLD, INT8)), model)["int8"] is first["int8"]
    start = time.process_time()
    preview(changed, model)
    assert time.process_time() - start < 0.005
    assert preview(Recipe((replace(FOLD, muted=True),)), model)["fold"] is model


def test_results_and_checkpoints_that_nobody_used_for_long_are_removed(
    model: Model, tmp_path: Path
) -> None:
    cache, long_ago = Cache(tmp_path), time.time() - 61 * 86400
    for key in ("old", "used", "new"):
        cache.put(key, model)
        cache.unfinished(key).mkdir(parents=True)
        (cache.unfinished(key) / "1.pt").write_bytes(b"x")
    for key in ("old", "used"):
        for path in (
            tmp_path / f"{key}.onnx",
            cache.unfinished(key),
            cache.unfinished(key) / "1.pt",
        ):
            os.utime(path, (long_ago, long_ago))
    (cache.unfinished("used") / "2.pt").write_bytes(b"y")
    assert cache.get("used") is not None
    cache.tidy()
    assert sorted(p.name for p in tmp_path.glob("*.onnx")) == ["new.onnx", "used.onnx"]
    assert sorted(p.name for p in (tmp_path / "unfinished").iterdir()) == ["new", "used"]
