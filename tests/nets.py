"""Small nets made with onnx.helper: the MLPerf Tiny shapes, and one an operator family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import onnx_ir
from onnx import TensorProto, helper, numpy_helper, shape_inference

from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int8 import run as quantize
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.model import Model


@dataclass
class Net:
    """Builds a graph node by node; every method returns the name of the new value."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    def const(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        out = f"{op_type.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [out], name=out, **attributes))
        return out

    def conv(self, x: str, shape: tuple[int, ...], relu: bool = True, **attributes: Any) -> str:
        weights = self.rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        bias = self.rng.normal(0, 0.1, shape[0])
        out = self.node("Conv", x, self.const(weights), self.const(bias), **attributes)
        return self.node("Relu", out) if relu else out

    def dense(self, x: str, n: int, m: int, relu: bool = True) -> str:
        weights = self.rng.normal(0, (2 / n) ** 0.5, (m, n))
        bias = self.const(self.rng.normal(0, 0.1, m))
        out = self.node("Gemm", x, self.const(weights), bias, transB=1)
        return self.node("Relu", out) if relu else out

    def model(
        self,
        shape: tuple[int, ...],
        *outputs: str,
        name: str = "net",
        x: str = "x",
        opset: int = 21,
    ) -> Model:
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None) for out in outputs],
            self.initializers,
        )
        proto = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10
        )
        proto = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        onnx.checker.check_model(proto)
        return Model.from_bytes(proto.SerializeToString(), name)


def autoencoder() -> Model:
    """MLPerf Tiny anomaly detection: 640-128x4-8-128x4-640."""
    net, x = Net(), "x"
    sizes = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    for index, (n, m) in enumerate(pairwise(sizes)):
        x = net.dense(x, n, m, relu=index < 9)
    return net.model((1, 640), x, name="ad")


def ds_cnn() -> Model:
    """MLPerf Tiny keyword spotting: DS-CNN on 49x10."""
    net = Net()
    x = net.conv("x", (64, 1, 10, 4), strides=[2, 2], pads=[4, 1, 5, 1], kernel_shape=[10, 4])
    for _ in range(4):
        x = net.conv(x, (64, 1, 3, 3), pads=[1, 1, 1, 1], group=64, kernel_shape=[3, 3])
        x = net.conv(x, (64, 64, 1, 1), kernel_shape=[1, 1])
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    x = net.node("Softmax", net.dense(x, 64, 12, relu=False))
    return net.model((1, 1, 49, 10), x, name="kws")


def resnet8() -> Model:
    """MLPerf Tiny image classification: ResNet8 on 32x32x3."""
    net = Net()
    x = net.conv("x", (16, 3, 3, 3), pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    channels = 16
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        same: dict[str, Any] = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
        y = net.conv(x, (width, channels, 3, 3), strides=[stride] * 2, **same)
        y = net.conv(y, (width, width, 3, 3), relu=False, **same)
        if stride > 1:
            x = net.conv(
                x, (width, channels, 1, 1), relu=False, strides=[2, 2], kernel_shape=[1, 1]
            )
        x = net.node("Relu", net.node("Add", x, y))
        channels = width
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    x = net.node("Softmax", net.dense(x, 64, 10, relu=False))
    return net.model((1, 3, 32, 32), x, name="ic")


def mobilenet() -> Model:
    """MLPerf Tiny visual wake words: MobileNetV1 of width 0.25 on 96x96x3."""
    net = Net()
    x = net.conv("x", (8, 3, 3, 3), strides=[2, 2], pads=[0, 0, 1, 1], kernel_shape=[3, 3])
    channels = 8
    blocks = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)] + [(128, 1)] * 5
    for width, stride in [*blocks, (256, 2), (256, 1)]:
        pads = [0, 0, 1, 1] if stride == 2 else [1, 1, 1, 1]
        x = net.conv(
            x, (channels, 1, 3, 3), strides=[stride] * 2, pads=pads, group=channels,
            kernel_shape=[3, 3],
        )  # fmt: skip
        x = net.conv(x, (width, channels, 1, 1), kernel_shape=[1, 1])
        channels = width
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    x = net.node("Softmax", net.dense(x, 256, 2, relu=False))
    return net.model((1, 3, 96, 96), x, name="vww")


MLPERF = {"ad": autoencoder, "kws": ds_cnn, "ic": resnet8, "vww": mobilenet}


def conv_block() -> Model:
    net = Net()
    x = net.conv("x", (8, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 1], kernel_shape=[3, 3])
    x = net.conv(x, (8, 2, 3, 3), group=4, dilations=[2, 2], kernel_shape=[3, 3])
    x = net.node("Clip", net.conv(x, (8, 1, 3, 3), False, group=8, kernel_shape=[3, 3]),
                 net.const(-0.5), net.const(0.75))  # fmt: skip
    return net.model((1, 3, 21, 17), x)


def conv_1d() -> Model:
    net = Net()
    x = net.node("Transpose", "x", perm=[0, 2, 1])
    x = net.conv(x, (12, 6, 5), pads=[2, 2], strides=[2], kernel_shape=[5])
    x = net.node("MaxPool", x, kernel_shape=[2], strides=[2])
    x = net.conv(x, (12, 1, 3), group=12, pads=[1, 1], kernel_shape=[3])
    x = net.node("ReduceMean", x, net.const([-1], np.int64), keepdims=0)
    return net.model((1, 64, 6), net.dense(x, 12, 5, relu=False))


def same_padding() -> Model:
    net = Net()
    x = net.conv("x", (4, 2, 4, 3), auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[4, 3])
    x = net.conv(x, (4, 4, 2, 2), auto_pad="SAME_LOWER", kernel_shape=[2, 2])
    return net.model((1, 2, 13, 12), x)


def pools() -> Model:
    net = Net()
    x = net.node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
    x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1])
    x = net.node("AveragePool", x, kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    return net.model((1, 5, 17, 16), net.node("GlobalAveragePool", x))


def residual() -> Model:
    net = Net()
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    y = net.conv("x", (6, 6, 3, 3), **same)
    x = net.node("Relu", net.node("Add", net.conv(y, (6, 6, 3, 3), relu=False, **same), y))
    gate = net.node("Sigmoid", net.node("GlobalAveragePool", x))
    x = net.node("Mul", x, gate)
    x = net.node("Mul", x, net.const(net.rng.normal(1, 0.3, (6, 1, 1))))
    x = net.node("Add", x, net.const(0.25))
    return net.model((1, 6, 9, 8), net.node("Tanh", x))


def joined() -> Model:
    net = Net()
    a = net.conv("x", (4, 3, 1, 1), kernel_shape=[1, 1])
    b = net.node("Pad", net.conv("x", (5, 3, 3, 3), kernel_shape=[3, 3]),
                 net.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), net.const(0.0))  # fmt: skip
    x = net.node("Concat", a, b, "x", axis=1)
    return net.model((1, 3, 8, 7), net.node("Softmax", x, axis=1))


def flattened() -> Model:
    net = Net()
    x = net.conv("x", (4, 2, 3, 3), kernel_shape=[3, 3])
    x = net.dense(net.node("Flatten", x), 4 * 5 * 4, 12)
    x = net.node("Reshape", x, net.const([1, 3, 4], np.int64))
    x = net.node("Transpose", x, perm=[0, 2, 1])
    x = net.node("Squeeze", net.node("Unsqueeze", x, net.const([1], np.int64)),
                 net.const([1], np.int64))  # fmt: skip
    x = net.node("MatMul", x, net.const(net.rng.normal(size=(3, 5))))
    return net.model((1, 2, 7, 6), x)


def normalised() -> Model:
    net = Net()
    factors = [net.const(net.rng.uniform(0.5, 2, 6)) for _ in range(4)]
    x = net.node("Relu", net.node("BatchNormalization", "x", *factors))
    x = net.node("MaxPool", x, kernel_shape=[2, 2])
    factors = [net.const(net.rng.uniform(0.5, 2, 6)) for _ in range(4)]
    return net.model((1, 6, 5, 4), net.node("BatchNormalization", x, *factors))


def scaled_gemm() -> Model:
    net = Net()
    weights, bias = net.const(net.rng.normal(size=(7, 4))), net.const(net.rng.normal(size=4))
    x = net.node("Gemm", "x", weights, bias, alpha=0.5, beta=2.0)
    return net.model((1, 7), net.node("Softmax", x))


OPERATORS: dict[str, Callable[[], Model]] = {
    function.__name__: function
    for function in (
        conv_block, conv_1d, same_padding, pools, residual, joined, flattened, normalised,
        scaled_gemm, ds_cnn, resnet8,
    )
}  # fmt: skip


def noise(model: Model, n: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.normal(0, 1, (n, *model.inputs[0].shape[1:])).astype(np.float32)


def quantized(model: Model) -> Model:
    x = noise(model, 16)
    data = Dataset("noise", x, None, (), np.array(["train"] * len(x)))
    return finish(quantize(QuantizeInt8(samples=16), model, data))


def pruned(model: Model, share: float, block: int) -> Model:
    """The model with a share of the blocks of each ungrouped layer set to zero."""
    ir, rng = model.clone_ir(), np.random.default_rng(0)
    for node in ir.graph:
        if node.op_type not in ("Gemm", "Conv") or node.attributes.get_int("group", 1) > 1:
            continue
        value = node.inputs[1]
        assert value is not None and value.const_value is not None
        rows = np.moveaxis(value.const_value.numpy(), 1, -1)
        if rows.shape[-1] % block == 0:
            blocks = rows.reshape(-1, block) * (rng.random((rows.size // block, 1)) >= share)
            rows = blocks.reshape(rows.shape).astype(np.float32)
        value.const_value = onnx_ir.tensor(np.moveaxis(rows, -1, 1).copy(), name=value.name)
    return Model.from_ir(ir, model.name)
