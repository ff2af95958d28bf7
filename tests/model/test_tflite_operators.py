"""Single TFLite operators, made by hand, against both of TFLite's interpreters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tflite_judges import LiteRt, Micro, as_judged, draw, stored_inputs
from tflite_nets import TfliteNet

from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compiler.run import run
from studio.errors import Unsupported
from studio.model.importers.tflite import load
from studio.model.model import Model

Made = tuple[TfliteNet, list[int], list[int]]  # net, inputs, outputs
RELU, RELU_N1, RELU6 = 1, 2, 3
SAME, VALID = 0, 1
DTYPES = {0: "float32", 3: "uint8", 7: "int16", 9: "int8"}


def grid(scale: Any, zero_point: int = 0, axis: int = 0) -> dict[str, Any]:
    return {"scale": scale, "zero_point": zero_point, "axis": axis}


def unary(kind: str, source: tuple, target: tuple, options: str = "", **values: Any) -> Made:
    net = TfliteNet()
    x = net.tensor((1, 3, 7, 11), **grid(*source))
    y = net.tensor((1, 3, 7, 11), **grid(*target))
    net.op(kind, [x], [y], options, **values)
    return net, [x], [y]


def binary(kind: str, a_shape: tuple, b_shape: tuple, activation: int = 0) -> Made:
    net = TfliteNet()
    a, b = net.tensor(a_shape, **grid(0.0312, 5)), net.tensor(b_shape, **grid(0.0714, -20))
    y = net.tensor(np.broadcast_shapes(a_shape, b_shape), **grid(0.0517, 3))
    options = f"{kind.title()}Options"
    net.op(kind, [a, b], [y], options, fusedActivationFunction=activation)
    return net, [a, b], [y]


def requantize_u8() -> Made:
    net = TfliteNet()
    x, y = net.tensor((1, 77), **grid(0.05, -10)), net.tensor((1, 77), "uint8", **grid(0.05, 118))
    net.op("QUANTIZE", [x], [y], "QuantizeOptions")
    return net, [x], [y]


def mean(axes: tuple[int, ...], keep: bool, source: tuple, target: tuple) -> Made:
    net, shape = TfliteNet(), (1, 7, 9, 13)
    left = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    x, y = net.tensor(shape, **grid(*source)), net.tensor(tuple(left), **grid(*target))
    net.op("MEAN", [x, net.const(axes)], [y], "ReducerOptions", keepDims=keep)
    return net, [x], [y]


def sizes(
    shape: tuple, kernel: tuple, stride: tuple, padding: int, dilation: tuple = (1, 1)
) -> Any:
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return [
        -(-n // s) if padding == SAME else (n - r) // s + 1
        for n, r, s in zip(shape, reach, stride, strict=True)
    ]


def pool(kind: str, padding: int, activation: int) -> Made:
    net = TfliteNet()
    x = net.tensor((1, 7, 9, 5), **grid(0.07, -30))
    y = net.tensor((1, *sizes((7, 9), (3, 2), (2, 2), padding), 5), **grid(0.07, -30))
    net.op(
        kind, [x], [y], "Pool2DOptions", padding=padding, filterHeight=3, filterWidth=2,
        strideH=2, strideW=2, fusedActivationFunction=activation,
    )  # fmt: skip
    return net, [x], [y]


def dense(activation: int, per_channel: bool = False) -> Made:
    net, rng = TfliteNet(), np.random.default_rng(5)
    scale = rng.uniform(0.001, 0.003, 17) if per_channel else np.array(0.00217)
    x = net.tensor((30, 40), **grid(0.0371, 5))
    w = net.const(rng.integers(-127, 128, (17, 40)), "int8", **grid(scale))
    bias = net.const(rng.integers(-9999, 9999, 17), **grid(0.0371 * scale))
    y = net.tensor((30, 17), **grid(0.0719, -3))
    options = "FullyConnectedOptions"
    net.op("FULLY_CONNECTED", [x, w, bias], [y], options, fusedActivationFunction=activation)
    return net, [x], [y]


def conv(kind: str, activation: int, padding: int, stride: tuple, dilation: tuple = (1, 1)) -> Made:
    net, rng = TfliteNet(), np.random.default_rng(5)
    depthwise = kind == "DEPTHWISE_CONV_2D"
    filters = 12 if depthwise else 10
    scale = rng.uniform(0.001, 0.004, filters)
    shape = (1, 3, 2, filters) if depthwise else (filters, 3, 2, 6)
    x = net.tensor((1, 9, 8, 6), **grid(0.0371, 5))
    axis = 3 if depthwise else 0
    w = net.const(rng.integers(-127, 128, shape), "int8", **grid(scale, axis=axis))
    bias = net.const(rng.integers(-999, 999, filters), **grid(0.0371 * scale))
    out = sizes((9, 8), (3, 2), stride, padding, dilation)
    y = net.tensor((1, *out, filters), **grid(0.0219, -3))
    net.op(
        kind, [x, w, bias], [y], "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], fusedActivationFunction=activation,
        **({"depthMultiplier": 2} if depthwise else {}),
    )  # fmt: skip
    return net, [x], [y]


def concat(shape: tuple[int, ...], axis: int) -> Made:
    net = TfliteNet()
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in (2, 3, 5)]
    *parts, y = (net.tensor(s, **grid(0.05, 3)) for s in shapes)
    net.op("CONCATENATION", parts, [y], "ConcatenationOptions", axis=axis)
    return net, parts, [y]


def pad(shape: tuple[int, ...]) -> Made:
    net = TfliteNet()
    amounts = np.array([[0, 0], [1, 2], [0, 3], [1, 0]])[: len(shape)]
    x = net.tensor(shape, **grid(0.05, 3))
    y = net.tensor(tuple(amounts.sum(axis=1) + shape), **grid(0.05, 3))
    net.op("PAD", [x, net.const(amounts)], [y], "PadOptions")
    return net, [x], [y]


def conv_beside_input() -> Made:
    """A convolution's result and an input side by side, flattened in TFLite's order."""
    net, (x,), (y,) = conv("CONV_2D", 0, SAME, (1, 1))
    other = net.tensor((1, 9, 8, 3), **grid(0.0219, -3))
    both = net.tensor((1, 9, 8, 13), **grid(0.0219, -3))
    net.op("CONCATENATION", [y, other], [both], "ConcatenationOptions", axis=3)
    flat = net.tensor((1, 936), **grid(0.0219, -3))
    net.op("RESHAPE", [both, net.const([1, -1])], [flat], "ReshapeOptions", newShape=[1, -1])
    return net, [x, other], [flat]


SCALES = ((0.01, 0), (0.05, -20), (0.11, 100), (0.3, -128), (0.7, 3))
PROBABILITY = (1 / 256, -128)
CASES: dict[str, Callable[[], Made]] = {
    "add": lambda: binary("ADD", (1, 4, 5, 6), (1, 4, 5, 6)),
    "add with relu, broadcast": lambda: binary("ADD", (1, 4, 5, 6), (1, 1, 1, 6), RELU),
    "add, first operand broadcast": lambda: binary("ADD", (6,), (1, 4, 5, 6)),
    "mul": lambda: binary("MUL", (1, 40, 50, 6), (1, 40, 50, 6), RELU6),
    "mul by a row": lambda: binary("MUL", (3, 8), (1, 8), RELU_N1),
    "requantise to uint8": requantize_u8,
    "mean of places": lambda: mean((1, 2), True, (0.05, 3), (0.05, 3)),
    "mean of places, axes dropped": lambda: mean((1, 2), False, (0.05, -7), (0.0123, 20)),
    "mean of channels": lambda: mean((3,), True, (0.05, 5), (0.02, 1)),
    "mean of all": lambda: mean((1, 2, 3), False, (0.05, 5), (0.01, 1)),
    "dense": lambda: dense(0),
    "dense with relu6": lambda: dense(RELU6),
    "dense, a scale a channel": lambda: dense(0, per_channel=True),
    "conv same, relu6": lambda: conv("CONV_2D", RELU6, SAME, (2, 2)),
    "conv dilated": lambda: conv("CONV_2D", 0, SAME, (1, 1), (2, 3)),
    "conv valid, relu": lambda: conv("CONV_2D", RELU, VALID, (1, 2)),
    "depthwise, two filters a channel": lambda: conv("DEPTHWISE_CONV_2D", RELU_N1, SAME, (2, 2)),
    "depthwise dilated": lambda: conv("DEPTHWISE_CONV_2D", 0, SAME, (1, 1), (2, 2)),
    "pad": lambda: pad((1, 4, 5, 6)),
    "pad three axes": lambda: pad((1, 4, 5)),
    "concat rows": lambda: concat((1, 4, 5, 6), 1),
    "concat channels": lambda: concat((1, 4, 5, 6), 3),
    "concat three axes": lambda: concat((1, 4, 5), 1),
    "conv beside input": conv_beside_input,
}
for s in SCALES:
    CASES |= {
        f"logistic {s}": lambda s=s: unary("LOGISTIC", s, PROBABILITY),
        f"tanh {s}": lambda s=s: unary("TANH", s, (1 / 128, 0)),
        f"requantise {s}": lambda s=s: unary("QUANTIZE", s, (0.0623, 9), "QuantizeOptions"),
        f"softmax {s}": lambda s=s: unary("SOFTMAX", s, PROBABILITY, "SoftmaxOptions", beta=1.0),
        f"relu {s}": lambda s=s: unary("RELU", s, (0.03, -100)),
        f"relu6 {s}": lambda s=s: unary("RELU6", s, s),
    }
for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    for padding in (SAME, VALID):
        for act in (0, RELU, RELU6):
            name = f"{kind.lower()}, padding {padding}, activation {act}"
            CASES[name] = lambda k=kind, p=padding, a=act: pool(k, p, a)


def differing(made: Made, rounding: str, judge: type[LiteRt] | type[Micro], folder: Any) -> int:
    """How many bytes of 100 runs on random inputs differ."""
    net, inputs, outputs = made
    data = net.to_bytes(inputs, outputs)
    path = folder / "net.tflite"
    path.write_bytes(data)
    program = lower(Model.from_bytes(load(path), "net"), Options(rounding=rounding))
    judging, rng = judge(data), np.random.default_rng(0)
    count = 0
    for _ in range(100):
        x = [draw(rng, net.tensors[i].shape, DTYPES[net.tensors[i].type]) for i in inputs]
        wanted = judging.run(x)
        for buffer, y, want in zip(
            program.outputs, run(program, stored_inputs(program, x)), wanted, strict=True
        ):
            count += int((as_judged(buffer, y, want) != want).sum())
    return count


@pytest.mark.needs_litert
@pytest.mark.parametrize("name", CASES)
def test_operators_equal_litert_byte_for_byte(name, tmp_path):
    assert differing(CASES[name](), "litert", LiteRt, tmp_path) == 0


@pytest.mark.needs_litert
@pytest.mark.needs_micro
@pytest.mark.parametrize("name", CASES)
def test_operators_equal_tflite_micro_byte_for_byte(name, tmp_path):
    assert differing(CASES[name](), "double", Micro, tmp_path) == 0


@pytest.mark.needs_litert
def test_a_custom_operator_is_refused_by_its_name(tmp_path):
    net = TfliteNet()
    x, y = net.tensor((1, 4), "float32"), net.tensor((1, 4), "float32")
    net.op("CUSTOM", [x], [y], custom="Wavelet")
    (tmp_path / "net.tflite").write_bytes(net.to_bytes([x], [y]))
    with pytest.raises(Unsupported, match="CUSTOM Wavelet"):
        load(tmp_path / "net.tflite")


@pytest.mark.needs_litert
def test_int4_weights_and_int64_biases_keep_their_values(tmp_path):
    net, rng = TfliteNet(), np.random.default_rng(1)
    weights = rng.integers(-7, 8, (3, 5)).astype(np.int8)
    packed = np.append(weights.reshape(-1), 0).astype(np.uint8) & 15
    x = net.tensor((1, 5), "int16", 0.01)
    w = net.tensor((3, 5), "int4", 0.1, data=packed[::2] | packed[1::2] << 4)
    bias = net.const([1, -2, 3], "int64", scale=0.001)
    y = net.tensor((1, 3), "int16", 0.02)
    net.op("FULLY_CONNECTED", [x, w, bias], [y], "FullyConnectedOptions")
    (tmp_path / "net.tflite").write_bytes(net.to_bytes([x], [y]))
    model = Model.from_bytes(load(tmp_path / "net.tflite"))
    constants = {
        name: value.const_value.numpy() for name, value in model.ir.graph.initializers.items()
    }
    np.testing.assert_array_equal(constants["t1"].astype(np.int8), weights)
    np.testing.assert_array_equal(constants["t2"], np.array([1, -2, 3], np.int32))
