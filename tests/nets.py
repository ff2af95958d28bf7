"""Small nets for tests, made with onnx.helper: the four MLPerf Tiny shapes and a builder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

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
        self, shape: tuple[int, ...], *outputs: str, name: str = "net", x: str = "x", opset: int = 21
    ) -> Model:
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, None) for out in outputs],
            self.initializers,
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        proto = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        onnx.checker.check_model(proto)
        return Model.from_bytes(proto.SerializeToString(), name)


def autoencoder() -> Model:
    """MLPerf Tiny anomaly detection: 640-128x4-8-128x4-640."""
    net, x = Net(), "x"
    sizes = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    for index, (n, m) in enumerate(zip(sizes, sizes[1:], strict=False)):
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
            x = net.conv(x, (width, channels, 1, 1), relu=False, strides=[2, 2], kernel_shape=[1, 1])
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
