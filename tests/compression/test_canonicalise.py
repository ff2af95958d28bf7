"""Canonicalising keeps the function and leaves fewer, plainer operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compression import small
from nets import MLPERF, OPERATORS, Net, noise

from studio.compression.canonicalise import Canonicalise, preview, run
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model


def operators(model: Model) -> list[str]:
    return [node.op_type for node in model.ir.graph]


def rewritten(model: Model) -> Model:
    """The result, after checking that it computes the same under the same names."""
    before = small.fingerprint(model)
    result = finish(run(Canonicalise(), model, None))
    assert small.fingerprint(model) == before
    assert result.outputs == model.outputs
    x = noise(model, 3)
    for a, b in zip(infer(model, x), infer(result, x), strict=True):
        assert np.abs(a - b).max() < 1e-5 * max(1, np.abs(a).max())
    assert result.digest == preview(Canonicalise(), model).digest
    return result


@pytest.mark.parametrize("name", [*OPERATORS, *MLPERF])
def test_the_function_stays_the_same(name: str) -> None:
    rewritten({**OPERATORS, **MLPERF}[name]())


@pytest.mark.parametrize("keep", [0, 1])
def test_a_mean_over_positions_becomes_a_pooling(keep: int) -> None:
    net = Net()
    x = net.node("ReduceMean", "x", net.const([-1, 2], np.int64), keepdims=keep)
    x = net.node("Reshape", x, net.const([1, -1], np.int64)) if keep else x
    result = rewritten(net.model((1, 3, 5, 4), net.dense(x, 3, 2, relu=False)))
    assert operators(result) == ["GlobalAveragePool", "Flatten", "Gemm"]
    assert "global average pooling" in next(iter(result.history[-1]["layers"].values()))


def test_a_mean_over_channels_stays() -> None:
    net = Net()
    x = net.node("ReduceMean", "x", net.const([1], np.int64), keepdims=1)
    assert operators(rewritten(net.model((1, 3, 5, 4), x))) == ["ReduceMean"]


def test_idle_nodes_and_transposes_that_cancel_go() -> None:
    net = Net()
    x = net.node("Identity", net.node("Transpose", "x", perm=[0, 2, 1]))
    x = net.node("Dropout", net.node("Transpose", x, perm=[0, 2, 1]))
    x = net.node("Relu", x)
    assert operators(rewritten(net.model((1, 3, 5), x))) == ["Relu"]


def test_a_matrix_product_with_a_bias_becomes_gemm() -> None:
    net = Net()
    x = net.node("MatMul", "x", net.const(net.rng.normal(size=(6, 5))))
    x = net.node("Relu", net.node("Add", x, net.const(net.rng.normal(size=5))))
    assert operators(rewritten(net.model((1, 6), x))) == ["Gemm", "Relu"]


@pytest.mark.needs_data
def test_an_exported_gru_has_seven_nodes(studio_data: Path) -> None:
    model = Model.from_bytes(load_onnx(studio_data / "bench" / "imu_gru.onnx"), "imu_gru")
    assert len(operators(rewritten(model))) == 7
