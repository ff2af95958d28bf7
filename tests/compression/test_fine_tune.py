"""Training: it learns, repeats itself byte for byte, goes on where it stopped, and stops clean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from compression import small
from nets import Net, autoencoder, noise, quantized

from studio.compression.checkpoint import Checkpoint, Checkpoints
from studio.compression.fine_tune import FineTune, preview, run
from studio.data.dataset import Dataset
from studio.errors import DataError, RecipeError
from studio.job import Progress, finish
from studio.model.evaluate import evaluate, infer
from studio.model.model import Model
from studio.recipe.cache import Cache
from studio.recipe.recipe import Node, Recipe
from studio.recipe.runner import run as run_recipe

SHORT = FineTune(epochs=3, rate=3e-3, batch=32)


def test_it_learns_and_leaves_the_source_as_it_was() -> None:
    model = small.untrained()
    before = small.fingerprint(model)
    seen: list[Progress] = []
    result = finish(run(FineTune(epochs=6, rate=3e-3, batch=32), model, small.data()), seen.append)
    assert small.fingerprint(model) == before
    assert evaluate(model, small.data()).accuracy < 0.6
    assert evaluate(result, small.data()).accuracy > 0.95
    assert result.history[-1]["step"] == "fine_tune"
    assert result.history[-1]["params"]["epochs"] == 6
    last = seen[-1].figures
    assert last["epoch"] == 6 and last["loss"] < 0.3 and last["accuracy"] > 0.9
    assert last["time_left_s"] == 0 and "time_left_s" in seen[-2].figures
    done = [progress.done for progress in seen]
    assert done == sorted(done) and done[-1] == 1


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    settings = replace(SHORT, noise=0.1, shift=1, dropout=0.2, l1=0.01, smoothing=0.05)
    one, same, other = (
        finish(run(replace(settings, seed=seed), small.untrained(), small.data()))
        for seed in (1, 1, 2)
    )
    assert one.to_bytes() == same.to_bytes()
    assert small.fingerprint(one) != small.fingerprint(other)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_resumed_run_ends_with_the_bytes_of_an_undisturbed_one(
    optimizer: str, tmp_path: Path
) -> None:
    settings = replace(SHORT, epochs=4, optimizer=optimizer, noise=0.1, patience=2)
    whole = finish(run(settings, small.untrained(), small.data()))
    for moment in (1, 3, 4, 7):
        folder = tmp_path / str(moment)
        job = run(settings, small.untrained(), small.data(), Checkpoints(folder))
        for _ in range(moment):
            next(job)
        job.close()
        resumed = finish(run(settings, small.untrained(), small.data(), Checkpoints(folder)))
        assert resumed.to_bytes() == whole.to_bytes()


def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "1.pt").write_bytes(b"PK\x03\x04 no such thing")
    whole = finish(run(SHORT, small.untrained(), small.data()))
    resumed = finish(run(SHORT, small.untrained(), small.data(), Checkpoints(tmp_path)))
    assert resumed.to_bytes() == whole.to_bytes()


def test_where_nothing_can_be_written_only_the_resuming_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Checkpoint(tmp_path / "file" / "1.pt").save({"epoch": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_cancelled_recipe_leaves_complete_files_and_goes_on_from_them(tmp_path: Path) -> None:
    recipe = Recipe((Node("train", "fine_tune", {"epochs": 4, "rate": 3e-3, "batch": 32}),))
    whole = finish(run_recipe(recipe, small.untrained(), small.data(), Cache(tmp_path / "whole")))
    cache = Cache(tmp_path / "cut")
    job = run_recipe(recipe, small.untrained(), small.data(), cache)
    for progress in job:
        if progress.figures.get("epoch", 0) >= 3:
            break
    job.close()
    left = [path for path in cache.folder.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["1.pt"]
    seen: list[Progress] = []
    result = finish(run_recipe(recipe, small.untrained(), small.data(), cache), seen.append)
    epochs = [p.figures["epoch"] for p in seen if "epoch" in p.figures]
    assert min(epochs) >= 3
    assert result["train"].to_bytes() == whole["train"].to_bytes()
    assert [path.suffix for path in cache.folder.rglob("*") if path.is_file()] == [".onnx"]


def test_patience_stops_and_goes_back_to_the_best_epoch() -> None:
    seen: list[Progress] = []
    settings = replace(SHORT, epochs=60, rate=0.02, schedule="constant", patience=3)
    finish(run(settings, small.untrained(), small.data()), seen.append)
    assert seen[-1].figures["epoch"] < 60
    assert "validation_loss" in seen[-1].figures


def test_l2_and_l1_make_weights_smaller() -> None:
    def size(**given: float) -> float:
        settings = replace(SHORT, epochs=4, **given)  # type: ignore[arg-type]
        result = finish(run(settings, small.untrained(), small.data()))
        arrays = [v.const_value.numpy() for v in result.ir.graph.initializers.values()]
        return float(sum(np.abs(a).sum() for a in arrays if a.ndim > 1))

    plain = size(l2=0.0)
    assert size(l2=0.1) < plain and size(l2=0.0, l1=1.0) < plain


def test_an_autoencoder_learns_without_labels() -> None:
    model = autoencoder()
    x = np.random.default_rng(0).normal(size=(64, 640)).astype(np.float32)
    data = Dataset("noise", x, None, (), np.full(64, "train"))
    result = finish(run(FineTune(epochs=2), model, data))

    def error(m: Model) -> float:
        return float(np.square(infer(m, x[:8])[0] - x[:8]).mean())

    assert error(result) < error(model)


def test_a_softmax_at_the_end_is_trained_on_what_goes_in() -> None:
    net = Net()
    x = net.dense(net.node("Flatten", "x"), 64, 4, relu=False)
    model = net.model((1, 1, 8, 8), net.node("Softmax", x))
    seen: list[Progress] = []
    finish(run(FineTune(epochs=10, rate=2e-2), model, small.data()), seen.append)
    assert seen[-1].figures["loss"] < 0.3  # of probabilities it would stay above 0.74


def test_what_cannot_be_trained_is_refused_with_a_reason() -> None:
    model, data = small.untrained(), small.data()
    with pytest.raises(RecipeError, match="needs samples"):
        finish(run(SHORT, model, None))
    with pytest.raises(RecipeError, match="needs labels"):
        finish(run(SHORT, model, replace(data, y=None)))
    with pytest.raises(DataError, match="the model takes"):
        finish(run(SHORT, model, replace(data, x=data.x[..., 1:])))
    with pytest.raises(RecipeError, match="is quantised"):
        finish(run(SHORT, quantized(model), data))
    with pytest.raises(RecipeError, match="diverged"):
        finish(run(SHORT, model, replace(data, x=data.x * 1e38)))


def test_a_preview_is_the_model_itself() -> None:
    model = small.untrained()
    assert small.fingerprint(preview(SHORT, model)) == small.fingerprint(model)
    x = noise(model, 2)
    assert np.array_equal(infer(preview(SHORT, model), x)[0], infer(model, x)[0])


def test_torch_is_left_with_one_thread_for_sums_in_one_order() -> None:
    finish(run(replace(SHORT, epochs=1), small.untrained(), small.data()))
    assert torch.get_num_threads() == 1
