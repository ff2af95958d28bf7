"""Zeros where they were asked for, held through training, and no saving claimed that is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compression import small
from nets import MLPERF, Net, quantized

from studio.compression.checkpoint import Checkpoints
from studio.compression.prune_weights import PruneWeights, preview, run
from studio.errors import RecipeError
from studio.job import Progress, finish
from studio.model.evaluate import evaluate
from studio.model.model import Model

SHORT = PruneWeights(sparsity=0.7, stages=2, epochs=3)


def weights(model: Model, op_type: str = "") -> dict[str, np.ndarray]:
    return {
        node.name: node.inputs[1].const_value.numpy()
        for node in model.ir.graph
        if node.op_type in ("Conv", "Gemm", "MatMul") and op_type in ("", node.op_type)
    }


def test_the_zeros_are_there_after_training_and_the_net_is_right() -> None:
    model = small.trained()
    before = small.fingerprint(model)
    seen: list[Progress] = []
    result = finish(run(SHORT, model, small.data()), seen.append)
    assert small.fingerprint(model) == before
    arrays = weights(result)
    depthwise = [name for name, a in arrays.items() if a.shape[1:] == (1, 3, 3)][1]
    assert np.count_nonzero(arrays.pop(depthwise)) == 16 * 9
    zeros = sum(int((a == 0).sum()) for a in arrays.values())
    assert zeros / sum(a.size for a in arrays.values()) == pytest.approx(0.7, abs=0.001)
    assert evaluate(result, small.data()).accuracy > 0.95
    assert set(result.history[-1]["layers"]) == set(arrays)
    assert "0 bytes saved" in seen[-1].text
    assert all("0 bytes saved" in said for said in result.history[-1]["layers"].values())
    assert result.parameters == model.parameters


def test_a_resumed_run_ends_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    whole = finish(run(SHORT, small.trained(), small.data()))
    job = run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path))
    for progress in job:
        if "Stage 2 of 2: epoch 2" in progress.text:
            break
    job.close()
    resumed = finish(run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path)))
    assert resumed.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("name", MLPERF)
def test_blocks_are_four_neighbours_along_the_inputs(name: str) -> None:
    model = MLPERF[name]()
    result = preview(PruneWeights(pattern="1x4 blocks", sparsity=0.6), model)
    checked = 0
    for node in result.ir.graph:
        if node.op_type not in ("Conv", "Gemm") or node.attributes.get_int("group", 1) > 1:
            continue
        weight = node.inputs[1].const_value.numpy()
        rows = np.moveaxis(weight, 1, -1).reshape(len(weight), -1)
        whole = rows.shape[1] // 4 * 4
        zeros = (rows[:, :whole].reshape(-1, 4) == 0).sum(axis=1)
        assert set(zeros.tolist()) <= {0, 4}
        checked += int((zeros == 4).sum())
    assert checked


def test_weights_of_all_orders_are_cut_into_the_same_blocks() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(8, 12))
    net = Net()
    gemm = net.node("Gemm", "x", net.const(array), transB=1)
    turned = net.node("Gemm", "x", net.const(array.T))
    product = net.node("MatMul", "x", net.const(array.T))
    model = net.model((1, 12), gemm, turned, product)
    p = PruneWeights(pattern="1x4 blocks", sparsity=0.5)
    one, two, three = (w.const_value.numpy() == 0 for w in _inputs(preview(p, model)))
    assert np.array_equal(one, two.T) and np.array_equal(two, three)


def _inputs(model: Model) -> list:  # type: ignore[type-arg]
    return [node.inputs[1] for node in model.ir.graph]


def test_layers_are_compared_relative_to_themselves() -> None:
    net = Net()
    x = net.node("MatMul", "x", net.const(net.rng.normal(size=(20, 20))))
    x = net.node("MatMul", x, net.const(net.rng.normal(size=(20, 20)) * 1000))
    result = preview(PruneWeights(sparsity=0.5), net.model((1, 20), x))
    shares = [float((a == 0).mean()) for a in weights(result).values()]
    assert shares == pytest.approx([0.5, 0.5], abs=0.1)


def test_what_cannot_be_pruned_is_refused_with_a_reason() -> None:
    with pytest.raises(RecipeError, match="is quantised"):
        preview(SHORT, quantized(MLPERF["kws"]()))
    net = Net()
    with pytest.raises(RecipeError, match="no layer whose weights"):
        preview(SHORT, net.model((1, 8), net.node("Relu", "x")))
