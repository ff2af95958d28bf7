"""Layers of low rank are split without loss, others stay, and the report says which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compression import small
from nets import MLPERF, Net, noise, quantized

from studio.compression.low_rank import LowRank, preview, run
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.model import Model

EXACT = LowRank(energy=0.9999, epochs=0)


def low(rng: np.random.Generator, outputs: int, inputs: int, rank: int = 2) -> np.ndarray:
    return rng.normal(size=(outputs, rank)) @ rng.normal(size=(rank, inputs))


def dense(kind: str) -> Model:
    net = Net()
    weight = low(net.rng, 24, 20)
    bias = net.const(net.rng.normal(size=24))
    if kind == "MatMul":
        x = net.node("Add", net.node("MatMul", "x", net.const(weight.T)), bias)
    elif kind == "Gemm turned":
        x = net.node("Gemm", "x", net.const(weight), bias, transB=1, alpha=0.5)
    else:
        x = net.node("Gemm", "x", net.const(weight.T), bias)
    return net.model((1, 20), x)


def conv(window: int, **attributes: Any) -> Model:
    net = Net()
    core = net.rng.normal(size=(2, 2, window, window))
    left, right = net.rng.normal(size=(24, 2)), net.rng.normal(size=(2, 20))
    weight = net.const(np.einsum("or,rshw,si->oihw", left, core, right))
    x = net.node("Conv", "x", weight, net.const(net.rng.normal(size=24)), **attributes)
    return net.model((1, 20, 9, 8), x)


@pytest.mark.parametrize(
    "model",
    [
        dense("MatMul"), dense("Gemm"), dense("Gemm turned"), conv(1), conv(1, strides=[2, 1]),
        conv(3), conv(3, strides=[2, 2], pads=[1, 0, 1, 2], dilations=[1, 2]),
        conv(2, auto_pad="SAME_UPPER"),
    ],
)  # fmt: skip
def test_a_layer_of_low_rank_is_split_without_loss(model: Model) -> None:
    before = small.fingerprint(model)
    result = preview(EXACT, model)
    assert small.fingerprint(model) == before
    assert result.parameters < 0.5 * model.parameters
    assert result.outputs == model.outputs
    x = noise(model, 3)
    a, b = infer(model, x)[0], infer(result, x)[0]
    assert np.abs(a - b).max() < 1e-3 * np.abs(a).max()
    for node in result.ir.graph:  # shapes say what onnxruntime computes
        assert result.shape_of(node.outputs[0].name)


def test_what_was_split_is_trained() -> None:
    model = MLPERF["ad"]()
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(48, 4)) @ rng.normal(size=(4, 640))).astype(np.float32)
    data = Dataset("x", x, None, (), np.full(48, "train"))
    p = LowRank(energy=0.6, epochs=3)
    split, result = preview(p, model), finish(run(p, model, data))
    assert result.parameters == split.parameters < model.parameters

    def error(m: Model) -> float:
        return float(np.square(infer(m, x[:16])[0] - x[:16]).mean())

    assert error(result) < error(split)
    told = result.history[-1]["layers"].values()
    assert any(said.startswith("split at rank") for said in told)


def test_where_nothing_shrinks_it_refuses() -> None:
    with pytest.raises(RecipeError, match="no layer would shrink"):
        preview(EXACT, MLPERF["kws"]())
    with pytest.raises(RecipeError, match="is quantised"):
        preview(EXACT, quantized(MLPERF["kws"]()))
