"""Single TFLite operators on int16 activations, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tflite_nets import TfliteNet

Made = tuple[TfliteNet, list[int], list[int]]  # net, inputs, outputs
RELU, RELU6 = 1, 3
SAME, VALID = 0, 1
IMAGE = (1, 5, 7, 6)


def act(net: TfliteNet, shape: tuple[int, ...], scale: float = 0.0007, dtype: str = "int16") -> int:
    """An activation around zero."""
    return net.tensor(shape, dtype, scale)


def unary(
    kind: str, scales: tuple[float, float], options: str = "", dtype: str = "int16", **values: Any
) -> Made:
    net = TfliteNet()
    x, y = (act(net, IMAGE, scale, dtype) for scale in scales)
    net.op(kind, [x], [y], options, **values)
    return net, [x], [y]


def requantize(source: str, target: str, scales: tuple[float, float]) -> Made:
    net = TfliteNet()
    x, y = (act(net, IMAGE, s, d) for s, d in zip(scales, (source, target), strict=True))
    net.op("QUANTIZE", [x], [y], "QuantizeOptions")
    return net, [x], [y]


def binary(
    kind: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...], activation: int = 0
) -> Made:
    net = TfliteNet()
    same = kind in ("MAXIMUM", "MINIMUM")
    scales = (0.0007,) * 3 if same else (0.00031, 0.0007, 12.0 if kind == "MUL" else 0.00092)
    a, b = act(net, a_shape, scales[0]), act(net, b_shape, scales[1])
    shape = np.broadcast_shapes(a_shape, b_shape)
    y = act(net, shape, scales[2] * (0.00031 if kind == "MUL" else 1))
    if same:
        net.op(kind, [a, b], [y], "MaximumMinimumOptions")
    else:
        net.op(kind, [a, b], [y], f"{kind.title()}Options", fusedActivationFunction=activation)
    return net, [a, b], [y]


def conv(
    kind: str, activation: int = 0, stride: tuple[int, int] = (1, 1), bias: bool = True
) -> Made:
    net, rng = TfliteNet(), np.random.default_rng(5)
    depthwise = kind == "DEPTHWISE_CONV_2D"
    filters = 12 if depthwise else 10
    scale = rng.uniform(0.001, 0.004, filters)
    shape = (1, 3, 2, filters) if depthwise else (filters, 3, 2, 6)
    x = act(net, (1, 9, 8, 6))
    w = net.const(rng.integers(-127, 128, shape), "int8", scale=scale, axis=3 if depthwise else 0)
    inputs = [x, w]
    if bias:
        units = rng.integers(-(10**6), 10**6, filters)
        inputs.append(net.const(units, "int64", scale=0.0007 * scale))
    y = act(net, (1, -(-9 // stride[0]), -(-8 // stride[1]), filters), 0.0023)
    net.op(
        kind, inputs, [y], "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        padding=SAME, strideH=stride[0], strideW=stride[1], dilationHFactor=1,
        dilationWFactor=1, fusedActivationFunction=activation,
        **({"depthMultiplier": 2} if depthwise else {}),
    )  # fmt: skip
    return net, [x], [y]


def transpose_conv(padding: int, bias: bool = True) -> Made:
    net, rng = TfliteNet(), np.random.default_rng(5)
    scale = rng.uniform(0.001, 0.004, 5)
    shape = (1, 8, 6, 5) if padding == SAME else (1, 9, 7, 5)
    x = act(net, (1, 4, 3, 6))
    w = net.const(rng.integers(-127, 128, (5, 3, 3, 6)), "int8", scale=scale)
    inputs = [net.const(shape), w, x]
    if bias:
        units = rng.integers(-(10**6), 10**6, 5)
        inputs.append(net.const(units, "int64", scale=0.0007 * scale))
    y = act(net, shape, 0.0023)
    net.op(
        "TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", padding=padding, strideH=2,
        strideW=2,
    )  # fmt: skip
    return net, [x], [y]


def dense(activation: int = 0, per_channel: bool = False) -> Made:
    net, rng = TfliteNet(), np.random.default_rng(5)
    scale = rng.uniform(0.001, 0.003, 17) if per_channel else np.array(0.00217)
    x = act(net, (30, 40))
    w = net.const(rng.integers(-127, 128, (17, 40)), "int8", scale=scale)
    bias = net.const(rng.integers(-(10**6), 10**6, 17), "int64", scale=0.0007 * scale)
    y = act(net, (30, 17), 0.0019)
    options = "FullyConnectedOptions"
    net.op("FULLY_CONNECTED", [x, w, bias], [y], options, fusedActivationFunction=activation)
    return net, [x], [y]


def matmul(a_shape: tuple[int, ...], b_shape: tuple[int, ...], transposed: bool = False) -> Made:
    net = TfliteNet()
    a, b = act(net, a_shape, 0.00031), act(net, b_shape, 0.0007)
    columns = b_shape[-2] if transposed else b_shape[-1]
    batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
    y = act(net, (*batch, a_shape[-2], columns), 0.0083)
    net.op("BATCH_MATMUL", [a, b], [y], "BatchMatMulOptions", adjY=transposed)
    return net, [a, b], [y]


def reduce(kind: str, axes: tuple[int, ...], keep: bool, scales: tuple[float, float]) -> Made:
    net = TfliteNet()
    left = [1 if i in axes else n for i, n in enumerate(IMAGE) if keep or i not in axes]
    x, y = act(net, IMAGE, scales[0]), act(net, tuple(left), scales[1])
    net.op(kind, [x, net.const(axes)], [y], "ReducerOptions", keepDims=keep)
    return net, [x], [y]


def pool(kind: str, activation: int) -> Made:
    net = TfliteNet()
    x, y = act(net, (1, 7, 9, 5)), act(net, (1, 4, 5, 5))
    net.op(
        kind, [x], [y], "Pool2DOptions", padding=SAME, filterHeight=3, filterWidth=2, strideH=2,
        strideW=2, fusedActivationFunction=activation,
    )  # fmt: skip
    return net, [x], [y]


def concat(axis: int) -> Made:
    net = TfliteNet()
    shapes = [(*IMAGE[:axis], n, *IMAGE[axis + 1 :]) for n in (2, 3, 5)]
    *parts, y = (act(net, shape) for shape in shapes)
    net.op("CONCATENATION", parts, [y], "ConcatenationOptions", axis=axis)
    return net, parts, [y]


def pad(value: int | None = None) -> Made:
    net = TfliteNet()
    amounts = np.array([[0, 0], [1, 2], [0, 3], [1, 0]])
    x, y = act(net, IMAGE), act(net, tuple(amounts.sum(axis=1) + IMAGE))
    inputs = [x, net.const(amounts)]
    if value is not None:
        inputs.append(net.const(value, "int16", scale=0.0007))
    kind, options = ("PAD", "PadOptions") if value is None else ("PADV2", "PadV2Options")
    net.op(kind, inputs, [y], options)
    return net, [x], [y]


def moved(
    kind: str, shape: tuple[int, ...], constants: list[Any], options: str, **values: Any
) -> Made:
    net = TfliteNet()
    x, y = act(net, IMAGE), act(net, shape)
    net.op(kind, [x, *(net.const(c) for c in constants)], [y], options, **values)
    return net, [x], [y]


def pack(axis: int) -> Made:
    net = TfliteNet()
    a, b = act(net, (5, 7)), act(net, (5, 7))
    shape = [5, 7]
    shape.insert(axis, 2)
    y = act(net, tuple(shape))
    net.op("PACK", [a, b], [y], "PackOptions", axis=axis, valuesCount=2)
    return net, [a, b], [y]


def unpack(axis: int) -> Made:
    net = TfliteNet()
    x = act(net, (5, 3, 7))
    rest = tuple(n for i, n in enumerate((5, 3, 7)) if i != axis)
    parts = [act(net, rest) for _ in range((5, 3, 7)[axis])]
    net.op("UNPACK", [x], parts, "UnpackOptions", axis=axis, num=len(parts))
    return net, [x], parts


def split() -> Made:
    net = TfliteNet()
    x = act(net, IMAGE)
    parts = [act(net, (1, 5, 7, 2)) for _ in range(3)]
    net.op("SPLIT", [net.const(3), x], parts, "SplitOptions", numSplits=3)
    return net, [x], parts


def whole() -> Made:
    """int8 at both borders; in between a branch, a bent line, upsampling, a mean and classes."""
    net, rng = TfliteNet(), np.random.default_rng(5)
    x, up = net.tensor(IMAGE, "int8", 0.04, 5), (1, 10, 14, 6)
    wide, bent, both = act(net, IMAGE, 0.00016), act(net, IMAGE, 0.00017), act(net, IMAGE, 0.0003)
    net.op("QUANTIZE", [x], [wide], "QuantizeOptions")
    net.op("LEAKY_RELU", [wide], [bent], "LeakyReluOptions", alpha=0.2)
    net.op("SUB", [bent, wide], [both], "SubOptions", potScaleInt16=False)
    scale = rng.uniform(0.001, 0.004, 6)
    w = net.const(rng.integers(-127, 128, (6, 3, 3, 6)), "int8", scale=scale)
    bias = net.const(rng.integers(-(10**6), 10**6, 6), "int64", scale=0.0003 * scale)
    spread, mean = act(net, up, 0.0006), act(net, (1, 6), 0.0002)
    net.op(
        "TRANSPOSE_CONV", [net.const(up), w, both, bias], [spread], "TransposeConvOptions",
        padding=SAME, strideH=2, strideW=2,
    )  # fmt: skip
    net.op("MEAN", [spread, net.const((1, 2))], [mean], "ReducerOptions", keepDims=False)
    w = net.const(rng.integers(-127, 128, (4, 6)), "int8", scale=0.05)
    bias = net.const(rng.integers(-(10**5), 10**5, 4), "int64", scale=0.0002 * 0.05)
    scores, shares = act(net, (1, 4), 0.0005), act(net, (1, 4), 1 / 32768)
    net.op("FULLY_CONNECTED", [mean, w, bias], [scores], "FullyConnectedOptions")
    net.op("SOFTMAX", [scores], [shares], "SoftmaxOptions", beta=1.0)
    y = net.tensor((1, 4), "int8", 1 / 256, -128)
    net.op("QUANTIZE", [shares], [y], "QuantizeOptions")
    return net, [x], [y]


ROW = (1, 1, 1, 6)
CASES: dict[str, Callable[[], Made]] = {
    "whole net": whole,
    "pad": pad,
    "pad with a value": lambda: pad(-300),
    "concat rows": lambda: concat(1),
    "concat channels": lambda: concat(3),
    "pack first": lambda: pack(0),
    "pack last": lambda: pack(2),
    "unpack": lambda: unpack(1),
    "split": split,
    "strided slice": lambda: moved(
        "STRIDED_SLICE", (1, 2, 3, 6), [[0, 1, 6, 0], [1, 5, 0, 6], [1, 2, -2, 1]],
        "StridedSliceOptions",
    ),
    "slice": lambda: moved("SLICE", (1, 2, 7, 3), [[0, 1, 0, 3], [1, 2, -1, 3]], "SliceOptions"),
    "resize nearest": lambda: moved(
        "RESIZE_NEAREST_NEIGHBOR", (1, 10, 9, 6), [[10, 9]], "ResizeNearestNeighborOptions"
    ),
    "resize nearest by centres": lambda: moved(
        "RESIZE_NEAREST_NEIGHBOR", (1, 10, 9, 6), [[10, 9]], "ResizeNearestNeighborOptions",
        halfPixelCenters=True,
    ),
    "transpose": lambda: moved(
        "TRANSPOSE", (1, 6, 5, 7), [[0, 3, 1, 2]], "TransposeOptions"
    ),
    "dense": dense,
    "dense with relu6": lambda: dense(RELU6),
    "dense, a scale a channel": lambda: dense(0, per_channel=True),
    "conv": lambda: conv("CONV_2D"),
    "conv with relu": lambda: conv("CONV_2D", RELU, (2, 2)),
    "conv without bias": lambda: conv("CONV_2D", bias=False),
    "depthwise": lambda: conv("DEPTHWISE_CONV_2D", RELU6, (1, 2)),
    "transposed conv same": lambda: transpose_conv(SAME),
    "transposed conv valid": lambda: transpose_conv(VALID),
    "transposed conv without bias": lambda: transpose_conv(SAME, bias=False),
    "matmul": lambda: matmul((2, 5, 40), (2, 40, 6)),
    "matmul transposed": lambda: matmul((2, 3, 5, 40), (1, 3, 6, 40), transposed=True),
}  # fmt: skip
for k in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"):
    CASES |= {
        f"{k.lower()}": lambda k=k: binary(k, IMAGE, IMAGE),
        f"{k.lower()}, broadcast": lambda k=k: binary(k, IMAGE, ROW, RELU),
    }
for k in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
    s2 = (0.0007, 0.0007 if k.startswith("REDUCE") else 0.00023)
    CASES |= {
        f"{k.lower()} of places": lambda k=k, s=s2: reduce(k, (1, 2), True, s),
        f"{k.lower()} of places, dropped": lambda k=k, s=s2: reduce(k, (1, 2), False, s),
        f"{k.lower()} of channels": lambda k=k, s=s2: reduce(k, (3,), True, s),
        f"{k.lower()} of all": lambda k=k, s=s2: reduce(k, (1, 2, 3), False, s),
    }
for k in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    for a in (0, RELU, RELU6):
        CASES[f"{k.lower()}, activation {a}"] = lambda k=k, a=a: pool(k, a)
for n, s in enumerate((0.00003, 0.0001, 1 / 4096, 0.0007, 0.003)):
    CASES |= {
        f"logistic {n}": lambda s=s: unary("LOGISTIC", (s, 1 / 32768)),
        f"tanh {n}": lambda s=s: unary("TANH", (s, 1 / 32768)),
        f"softmax {n}": lambda s=s: unary("SOFTMAX", (s, 1 / 32768), "SoftmaxOptions", beta=1.0),
        f"leaky relu {n}": lambda s=s: unary(
            "LEAKY_RELU", (s, 0.0006), "LeakyReluOptions", alpha=0.3
        ),
        f"leaky relu of int8 {n}": lambda s=s: unary(
            "LEAKY_RELU", (256 * s, 0.11), "LeakyReluOptions", "int8", alpha=0.3
        ),
        f"relu {n}": lambda s=s: unary("RELU", (s, 0.0006)),
        f"relu6 {n}": lambda s=s: unary("RELU6", (s, 0.0006)),
        f"requantise {n}": lambda s=s: requantize("int16", "int16", (s, 0.0006)),
        f"to int8 {n}": lambda s=s: requantize("int16", "int8", (s, 0.11)),
        f"from int8 {n}": lambda s=s: requantize("int8", "int16", (s * 256, 0.0006)),
        f"to int32 {n}": lambda s=s: requantize("int16", "int32", (s, 1.49e-7)),
        f"from int32 {n}": lambda s=s: requantize("int32", "int16", (s / 65536, 0.0006)),
    }
    if s < 0.001:  # a steeper line than 16 bits hold is cut off in LiteRT
        CASES |= {
            f"exp {n}": lambda s=s: unary("EXP", (s, 0.0006)),
            f"gelu {n}": lambda s=s: unary("GELU", (s, 0.0006), "GeluOptions"),
        }

# LiteRT takes no missing bias, and adds up the stored integers whatever their scales.
NOT_LITERT = ("conv without bias", "sum of")
# TFLite Micro knows none of these, and leaves the result of RELU6 as it is.
NOT_MICRO = ("reduce_max", "reduce_min", "exp", "gelu", "relu6")


def judged(but: tuple[str, ...]) -> list[str]:
    """The cases whose names do not begin with those."""
    return [name for name in CASES if not name.startswith(but)]
