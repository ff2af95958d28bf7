"""Pruned nets are smaller by what was asked for, and still right."""

from __future__ import annotations

from pathlib import Path

import pytest
from compression import small
from nets import MLPERF, Net, noise, quantized

from studio.compression.checkpoint import Checkpoints
from studio.compression.prune_channels import PruneChannels, preview, run
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate, infer
from studio.model.model import Model

SHORT = PruneChannels(ratio=0.5, iterations=2, epochs=3)


def shapes(model: Model) -> list[tuple[object, ...]]:
    return [
        (n.op_type, n.name, [model.shape_of(v.name) for v in n.outputs]) for n in model.ir.graph
    ]


def test_half_the_channels_go_and_the_net_learns_again() -> None:
    model = small.trained()
    before = small.fingerprint(model)
    result = finish(run(SHORT, model, small.data()))
    assert small.fingerprint(model) == before
    assert result.parameters < 0.4 * model.parameters
    assert evaluate(result, small.data()).accuracy > 0.95
    assert shapes(preview(SHORT, model)) == shapes(result)
    (*_, entry) = result.history
    assert entry["step"] == "prune_channels" and entry["params"]["ratio"] == 0.5
    told = list(entry["layers"].values())
    assert told[0] == "16 channels, now 8" and told[-1] == "unchanged"


def test_a_resumed_run_ends_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    whole = finish(run(SHORT, small.trained(), small.data()))
    job = run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path))
    for progress in job:
        if "Iteration 2 of 2: epoch 2" in progress.text:
            break
    job.close()
    seen: list[str] = []
    again = run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path))
    resumed = finish(again, lambda progress: seen.append(progress.text))
    assert not any("Iteration 1 of 2: epoch" in text for text in seen)
    assert resumed.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("name", MLPERF)
def test_a_preview_runs_and_has_a_quarter_fewer_channels(name: str) -> None:
    model = MLPERF[name]()
    result = preview(PruneChannels(), model)
    assert 0.5 < result.parameters / model.parameters < 0.75
    assert infer(result, noise(model, 1))[0].shape[1:] == model.outputs[0].shape[1:]
    assert result.inputs == model.inputs and result.outputs == model.outputs


def test_a_budget_in_bytes_is_kept_and_used() -> None:
    model = MLPERF["kws"]()
    for budget_bytes in (20_000, 10_000):
        result = preview(PruneChannels(budget_bytes=budget_bytes), model)
        biases = sum(
            node.inputs[2].const_value.size
            for node in result.ir.graph
            if node.op_type in ("Conv", "Gemm")
        )
        taken = result.parameters + 3 * biases
        assert 0.7 * budget_bytes < taken <= budget_bytes
    with pytest.raises(RecipeError, match="smallest net of this form takes"):
        preview(PruneChannels(budget_bytes=100), model)


def test_channel_counts_are_multiples() -> None:
    model = MLPERF["ic"]()
    result = preview(PruneChannels(ratio=0.3, multiple=8), model)
    convs = [node for node in result.ir.graph if node.op_type == "Conv"]
    assert {result.shape_of(node.outputs[0].name)[1] % 8 for node in convs} == {0}


def test_what_cannot_be_pruned_is_refused_with_a_reason() -> None:
    with pytest.raises(RecipeError, match="is quantised"):
        preview(SHORT, quantized(MLPERF["kws"]()))
    with pytest.raises(RecipeError, match="removes no channel"):
        preview(PruneChannels(ratio=0.01), MLPERF["kws"]())
    net = Net()
    with pytest.raises(RecipeError, match="no channel can be removed"):
        preview(SHORT, net.model((1, 8), net.dense("x", 8, 4, relu=False)))
    with pytest.raises(RecipeError, match="needs samples"):
        finish(run(SHORT, small.trained(), None))
