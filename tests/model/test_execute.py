"""The differentiable interpreter: what onnxruntime computes, with gradients that are true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from nets import MLPERF, OPERATORS, Net, noise, quantized

from studio.errors import ModelError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.execute import Network
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model
from studio.recipe.examples import open_example

I64 = np.int64


def assert_as_onnxruntime(model: Model, tolerance: float = 1e-5) -> None:
    """Three samples at once, each within `tolerance` of the largest output."""
    x = noise(model, 3)
    with torch.no_grad():
        ours = Network(model)(torch.from_numpy(x))
    for mine, judged in zip(ours, infer(model, x), strict=True):
        assert mine.shape == judged.shape
        np.testing.assert_allclose(mine, judged, rtol=0, atol=tolerance * max(1, judged.max()))


@pytest.mark.parametrize("name", [*OPERATORS, *MLPERF])
def test_equals_onnxruntime(name: str) -> None:
    assert_as_onnxruntime({**OPERATORS, **MLPERF}[name]())


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["digits_dscnn", "imu_conv1d", "imu_gru"])
def test_equals_onnxruntime_on_the_bench(name: str, studio_data: Path) -> None:
    assert_as_onnxruntime(Model.from_bytes(load_onnx(studio_data / "bench" / f"{name}.onnx")))


@pytest.mark.parametrize("name", ["digits", "motion"])
def test_equals_onnxruntime_on_the_examples(name: str) -> None:
    assert_as_onnxruntime(finish(open_example(name))[0])


@pytest.mark.parametrize("name", ["conv_block", "residual", "scaled_gemm"])
def test_a_quantised_net_is_at_most_some_steps_away(name: str) -> None:
    model = quantized(OPERATORS[name]())
    x = noise(model, 4)
    ours = Network(model)(torch.from_numpy(x))[0].detach().numpy()
    judged = infer(model, x)[0]
    step = np.diff(np.unique(judged)).min()
    # sums in another order land on the other side of a rounding now and then
    assert np.mean(np.abs(ours - judged) > step / 2) < 0.02


def of_one(op_type: str, *shapes: tuple[int, ...], **attributes: Any) -> Callable[[], Model]:
    def make() -> Model:
        net = Net()
        constants = [net.const(net.rng.uniform(0.5, 2, shape)) for shape in shapes]
        return net.model((1, 4, 6), net.node(op_type, "x", *constants, **attributes))

    make.__name__ = op_type
    return make


def integers(op_type: str, *values: list[int] | None, **attributes: Any) -> Callable[[], Model]:
    def make() -> Model:
        net = Net()
        names = [net.const(v, I64) if v is not None else "" for v in values]
        return net.model((1, 4, 6), net.node(op_type, "x", *names, **attributes))

    make.__name__ = op_type
    return make


SINGLE = [
    *(of_one(name) for name in (
        "Abs", "Exp", "Erf", "Neg", "Sign", "Softplus", "Softsign", "Elu", "Celu", "Selu", "Mish",
        "HardSigmoid", "HardSwish", "LeakyRelu", "LogSoftmax", "Identity", "Floor",
    )),
    of_one("Gelu", approximate="tanh"),
    of_one("PRelu", (4, 1)),
    of_one("Div", (6,)),
    of_one("Sub", (2, 1, 4, 6)),
    of_one("Max", (4, 6), (1,)),
    of_one("Mean", (4, 6)),
    of_one("LayerNormalization", (6,), (6,)),
    of_one("InstanceNormalization", (4,), (4,)),
    of_one("MatMul", (6,)),
    of_one("MatMul", (3, 6, 5)),
    *(integers(f"Reduce{kind}", [1], keepdims=0) for kind in (
        "Max", "Min", "Sum", "Prod", "L1", "L2", "SumSquare", "LogSumExp",
    )),
    integers("ReduceSum", None),
    integers("Reshape", [0, -1, 3]),
    integers("Flatten", axis=2),
    integers("Flatten", axis=-1),
    integers("Squeeze", [0]),
    integers("Unsqueeze", [0, -1]),
    integers("Gather", [[3, -1], [0, 2]], axis=1),
    integers("Gather", [1], axis=2),
    integers("Slice", [5, 0], [-100, 3], [2, 1], [-2, 2]),
    integers("Pad", [0, 1, 2, 0, 0, 1], mode="reflect"),
    integers("Pad", [1, 2], None, [2], mode="edge"),
    integers("Tile", [2, 1, 3]),
    integers("Expand", [2, 1, 4, 6]),
    integers("Transpose"),
]  # fmt: skip


@pytest.mark.parametrize("make", SINGLE, ids=lambda make: make.__name__)
def test_single_operators_equal_onnxruntime(make: Callable[[], Model]) -> None:
    assert_as_onnxruntime(make())


def several() -> Model:
    net = Net()
    first, second = "first", "second"
    sizes = net.const([1, 3], I64)
    net.nodes.append(onnx.helper.make_node("Split", ["x", sizes], [first, second], axis=1))
    big = net.node("Greater", second, net.const(0.0))
    chosen = net.node("Where", big, second, first)
    halves = net.node("Cast", big, to=1)
    place = net.node("Cast", net.node("ArgMax", "x", axis=-1), to=1)
    return net.model((1, 4, 6), chosen, net.node("Concat", halves, first, axis=1), place)


def images() -> Model:
    net = Net()
    weights = net.const(net.rng.normal(size=(8, 3, 3, 2)))
    up = net.node(
        "ConvTranspose", "x", weights, strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0]
    )
    deep = net.node("DepthToSpace", "x", blocksize=2, mode="CRD")
    pool = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 1, 0, 0], "ceil_mode": 1}
    small = net.node("AveragePool", "x", count_include_pad=1, **pool)
    return net.model(
        (1, 8, 7, 6), up, deep, small, net.node("MaxPool", "x", **pool),
        net.node("GlobalMaxPool", "x"),
    )  # fmt: skip


def recurrent(op_type: str, gates: int, **attributes: Any) -> Model:
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    net, size = Net(), 5
    shapes = [(gates * size, 6), (gates * size, size), (2 * gates * size,)]
    w, r, b = (net.const(net.rng.normal(0, 0.5, (directions, *shape))) for shape in shapes)
    h = net.const(net.rng.normal(size=(directions, 1, size)))
    turned = net.node("Transpose", "x", perm=[1, 0, 2])
    outputs = ["y", "last", "cell"][: 3 if op_type == "LSTM" else 2]
    inputs = [turned, w, r, b, "", h]
    net.nodes.append(
        onnx.helper.make_node(op_type, inputs, outputs, hidden_size=size, **attributes)
    )
    flat = net.node("Reshape", "y", net.const([7, 1, -1], I64))
    return net.model((1, 7, 6), net.node("Transpose", flat, perm=[1, 0, 2]), *(
        net.node("Transpose", name, perm=[1, 0, 2]) for name in outputs[1:]
    ))  # fmt: skip


@pytest.mark.parametrize("make", [several, images])
def test_operators_of_several_values_equal_onnxruntime(make: Callable[[], Model]) -> None:
    assert_as_onnxruntime(make())


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize(
    ("op_type", "gates", "attributes"),
    [("LSTM", 4, {}), ("GRU", 3, {"linear_before_reset": 1}), ("GRU", 3, {})],
)
def test_recurrent_layers_equal_onnxruntime(
    op_type: str, gates: int, attributes: dict[str, int], direction: str
) -> None:
    assert_as_onnxruntime(recurrent(op_type, gates, direction=direction, **attributes))


def small_of_everything() -> Model:
    net = Net()
    x = net.conv("x", (4, 2, 3), pads=[1, 1], relu=False, kernel_shape=[3])
    factors = [net.const(net.rng.uniform(0.5, 2, 4)) for _ in range(4)]
    x = net.node("Tanh", net.node("BatchNormalization", x, *factors))
    x = net.node("Reshape", x, net.const([1, -1], I64))
    return net.model((1, 2, 5), net.dense(x, 20, 3, relu=False))


@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_those_of_finite_differences(training: bool) -> None:
    network = Network(small_of_everything())
    network.train(training)
    x = torch.from_numpy(noise(network.model, 6)).double()
    for group in (network.parameters, network.constants):
        for name, tensor in group.items():
            if tensor.is_floating_point():
                group[name] = tensor.detach().double().requires_grad_(group is network.parameters)
    names = list(network.parameters)

    def loss(*tensors: torch.Tensor) -> torch.Tensor:
        network.parameters.update(zip(names, tensors, strict=True))
        return network(x)[0].square().sum()

    assert len(names) == 6
    assert torch.autograd.gradcheck(loss, tuple(network.parameters.values()))


def test_rounding_passes_the_gradient_of_a_learned_step() -> None:
    net = Net()
    scale, zero = net.const(0.5), net.const(0, np.int8)
    q = net.node("QuantizeLinear", "x", scale, zero)
    model = net.model((1, 4), net.node("DequantizeLinear", q, scale, zero))
    network = Network(model)
    (step,) = network.parameters.values()
    x = torch.tensor([[0.2, 0.8, -100.0, 100.0]], requires_grad=True)
    y = network(x)[0]
    assert y.tolist() == [[0.0, 1.0, -64.0, 63.5]]
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[1, 1, 0, 0]]
    expected = (0 - 0.4) + (2 - 1.6) - 128 + 127  # round(v) - v inside, the limit outside
    assert step.grad is not None and float(step.grad) == pytest.approx(expected, abs=1e-5)


def test_what_is_written_back_is_what_was_reached_and_the_source_is_unchanged() -> None:
    model = small_of_everything()
    before = Model.from_ir(model.clone_ir()).to_bytes()
    network = Network(model)
    network.train(True)
    x = torch.from_numpy(noise(model, 8))
    optimizer = torch.optim.SGD(network.parameters.values(), 0.01)
    network(x)[0].square().sum().backward()
    optimizer.step()
    network.train(False)
    trained = network.write_back()
    assert Model.from_ir(model.clone_ir()).to_bytes() == before
    changed = [
        name
        for name, value in trained.ir.graph.initializers.items()
        if not np.array_equal(
            value.const_value.numpy(), model.ir.graph.initializers[name].const_value.numpy()
        )
    ]
    assert len(changed) == 8  # six weights and the running statistics
    with torch.no_grad():
        ours = network(x)[0].numpy()
    np.testing.assert_allclose(infer(trained, x.numpy())[0], ours, atol=1e-5)


def test_settings_and_numbers_in_formulas_are_not_learned() -> None:
    net = Net()
    x = net.node("Clip", net.node("Add", "x", net.const(3.0)), net.const(0.0), net.const(6.0))
    x = net.node("Mul", x, net.const(np.ones(4)))
    assert list(Network(net.model((1, 4), x)).parameters) == ["c3"]


def test_an_unknown_operator_is_named() -> None:
    net = Net()
    model = net.model((1, 4), net.node("Hardmax", "x"))
    with pytest.raises(ModelError, match=r"hardmax0.*Hardmax cannot be trained"):
        Network(model)
