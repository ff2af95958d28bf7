"""Costly activations become Relu, in every form that they come in."""

from __future__ import annotations

import numpy as np
import pytest
from compression import small
from nets import MLPERF, Net, noise, quantized

from studio.compression.swap_activations import SwapActivations, preview, run
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate, infer
from studio.model.model import Model


def operators(model: Model) -> list[str]:
    return [node.op_type for node in model.ir.graph]


def costly() -> Model:
    net = Net()
    x = net.conv("x", (8, 1, 3, 3), relu=False, strides=[2, 2], kernel_shape=[3, 3])
    x = net.node("Mul", x, net.node("Sigmoid", x))
    x = net.conv(x, (8, 8, 3, 3), relu=False, kernel_shape=[3, 3])
    x = net.node("HardSwish", x)
    x = net.dense(net.node("Flatten", x), 8, 16, relu=False)
    x = net.node("LeakyRelu", x)
    return net.model((1, 1, 8, 8), net.dense(x, 16, 4, relu=False))


def test_swish_and_its_kin_become_relu_and_the_net_learns() -> None:
    model = costly()
    before = small.fingerprint(model)
    p = SwapActivations(epochs=12, rate=1e-2)
    result = finish(run(p, model, small.data()))
    assert small.fingerprint(model) == before
    plain = ["Conv", "Relu", "Conv", "Relu", "Flatten", "Gemm", "Relu", "Gemm"]
    assert operators(result) == operators(preview(p, model)) == plain
    assert evaluate(result, small.data()).accuracy > 0.8
    told = sorted(result.history[-1]["layers"].values())
    assert told == ["HardSwish, now relu", "LeakyRelu, now relu", "Swish, now relu"]


def test_relu6_ends_at_six() -> None:
    net = Net()
    model = net.model((1, 5), net.node("Elu", "x"))
    result = preview(SwapActivations(to="relu6", epochs=0), model)
    assert operators(result) == ["Clip"]
    x = np.float32([[-3, 0, 2, 6, 9]])
    assert infer(result, x)[0].tolist() == [[0, 0, 2, 6, 6]]
    assert result.outputs == model.outputs


def test_a_gate_of_something_else_stays() -> None:
    net = Net()
    gate = net.node("Sigmoid", net.node("Neg", "x"))
    model = net.model((1, 5), net.node("HardSwish", net.node("Mul", "x", gate)))
    result = preview(SwapActivations(epochs=0), model)
    assert operators(result) == ["Neg", "Sigmoid", "Mul", "Relu"]
    assert infer(result, noise(model, 1))[0].shape == (1, 5)


def test_where_there_is_nothing_to_swap_it_says_so() -> None:
    with pytest.raises(RecipeError, match="no costly activation"):
        preview(SwapActivations(), MLPERF["kws"]())
    with pytest.raises(RecipeError, match="is quantised"):
        preview(SwapActivations(), quantized(costly()))
