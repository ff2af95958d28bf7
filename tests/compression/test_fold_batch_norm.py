"""Folding keeps the function and the names, and leaves what it cannot fold."""

from __future__ import annotations

import numpy as np
import pytest
from nets import Net

from studio.compression.fold_batch_norm import FoldBatchNorm, preview, run
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.model import Model
from studio.recipe.examples import open_example


def normed(net: Net, x: str, channels: int) -> str:
    gamma, beta, mean = (net.const(net.rng.normal(size=channels)) for _ in range(3))
    variance = net.const(net.rng.uniform(0.1, 2, channels))
    return net.node("BatchNormalization", x, gamma, beta, mean, variance, epsilon=1e-3)


def operators(model: Model) -> list[str]:
    return [node.op_type for node in model.ir.graph]


def assert_same_function(before: Model, after: Model) -> None:
    shape = (4, *before.inputs[0].shape[1:])
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for a, b in zip(infer(before, x), infer(after, x), strict=True):
        assert np.abs(a - b).max() < 1e-4


def test_conv_depthwise_and_dense_take_their_batch_norm_in() -> None:
    net = Net()
    x = normed(net, net.conv("x", (8, 3, 3, 3), relu=False, kernel_shape=[3, 3]), 8)
    x = net.conv(net.node("Relu", x), (8, 1, 3, 3), relu=False, group=8, kernel_shape=[3, 3])
    x = net.node("Flatten", net.node("GlobalAveragePool", normed(net, x, 8)))
    x = normed(net, net.dense(x, 8, 5, relu=False), 5)
    weight = net.const(net.rng.normal(size=(5, 4)))
    x = normed(net, net.node("Gemm", x, weight, alpha=0.5), 4)
    model = net.model((1, 3, 8, 8), x)
    folded = preview(FoldBatchNorm(), model)
    assert operators(folded) == [op for op in operators(model) if op != "BatchNormalization"]
    assert folded.outputs == model.outputs
    assert_same_function(model, folded)


def test_what_cannot_be_folded_stays() -> None:
    net = Net()
    first = normed(net, "x", 3)
    shared = net.conv(first, (4, 3, 1, 1), relu=False, kernel_shape=[1, 1])
    one, two = normed(net, shared, 4), net.node("Relu", shared)
    after_add = normed(net, net.node("Add", one, two), 4)
    model = net.model((1, 3, 4, 4), after_add)
    folded = preview(FoldBatchNorm(), model)
    assert operators(folded) == operators(model)
    assert_same_function(model, folded)


def test_two_layers_that_share_weights_are_folded_apart() -> None:
    net = Net()
    weight = net.const(net.rng.normal(size=(3, 3, 1, 1)))
    x = normed(net, net.node("Conv", "x", weight), 3)
    model = net.model((1, 3, 4, 4), normed(net, net.node("Conv", x, weight), 3))
    folded = preview(FoldBatchNorm(), model)
    assert operators(folded) == ["Conv", "Conv"]
    assert_same_function(model, folded)


def test_the_source_is_unchanged_and_the_step_is_recorded() -> None:
    model, _, _ = finish(open_example("digits"))
    before = Model.from_ir(model.clone_ir()).digest
    folded = finish(run(FoldBatchNorm(), model, None))
    assert "BatchNormalization" in operators(model)
    assert "BatchNormalization" not in operators(folded)
    assert Model.from_ir(model.clone_ir()).digest == before
    (entry,) = folded.history
    assert entry["step"] == "fold_batch_norm" and entry["params"] == {}
    assert entry["layers"]["stem_norm"] == "folded into stem"
    assert folded.digest == preview(FoldBatchNorm(), model).digest
    assert_same_function(model, folded)


@pytest.mark.parametrize("name", ["stem_norm", "pointwise3_norm"])
def test_values_keep_their_names(name: str) -> None:
    model, _, _ = finish(open_example("digits"))
    assert preview(FoldBatchNorm(), model).shape_of(name) == model.shape_of(name)
