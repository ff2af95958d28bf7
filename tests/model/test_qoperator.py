"""Integer operators at import: the QDQ form computes what onnxruntime's integer kernels do."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from judge import outputs, worst_layer
from onnx import TensorProto, helper, numpy_helper

from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.model.evaluate import infer
from studio.model.importers.onnx import load
from studio.model.model import Model

MICRO_KWS = "models/emx-micro-kws/micro_kws_m_static_qoperator.onnx"


def judged(data: bytes, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


class Net:
    """x -> QuantizeLinear -> one integer operator -> DequantizeLinear."""

    def __init__(self, shape: tuple[int, ...], out_scale: float, out_zero: int) -> None:
        self.shape = shape
        self.constants: list[Any] = []
        self.grid = (self.const(0.05, "float32"), self.const(7, "int8"))
        self.out = (self.const(out_scale, "float32"), self.const(out_zero, "int8"))

    def const(self, values: Any, dtype: str) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def data(self, op_type: str, inputs: list[str], domain: str = "", **attributes: Any) -> bytes:
        nodes = [
            helper.make_node("QuantizeLinear", ["x", *self.grid], ["xq"], name="quantize"),
            helper.make_node(op_type, inputs, ["yq"], name="op", domain=domain, **attributes),
            helper.make_node("DequantizeLinear", ["yq", *self.out], ["y"], name="dequantize"),
        ]
        graph = helper.make_graph(
            nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def conv() -> tuple[Net, bytes]:
    rng, net = np.random.default_rng(1), Net((1, 3, 6, 5), 0.08, -3)
    scales = rng.uniform(0.01, 0.03, 4)
    weights = net.const(rng.integers(-128, 128, (4, 3, 3, 3)), "int8")
    grid = (net.const(scales, "float32"), net.const(np.zeros(4), "int8"))
    bias = net.const(rng.integers(-900, 900, 4), "int32")
    inputs = ["xq", *net.grid, weights, *grid, *net.out, bias]
    return net, net.data("QLinearConv", inputs, pads=[1, 1, 1, 1], strides=[2, 1])


def matmul() -> tuple[Net, bytes]:
    rng, net = np.random.default_rng(1), Net((1, 12), 0.09, 4)
    weights = net.const(rng.integers(-128, 128, (12, 5)), "int8")
    grid = (net.const(0.02, "float32"), net.const(0, "int8"))
    return net, net.data("QLinearMatMul", ["xq", *net.grid, weights, *grid, *net.out])


def gemm() -> tuple[Net, bytes]:
    rng, net = np.random.default_rng(1), Net((1, 12), 0.09, 4)
    weights = net.const(rng.integers(-128, 128, (5, 12)), "int8")
    grid = (net.const(0.02, "float32"), net.const(0, "int8"))
    bias = net.const(rng.integers(-900, 900, 5), "int32")
    inputs = ["xq", *net.grid, weights, *grid, bias, *net.out]
    return net, net.data("QGemm", inputs, "com.microsoft", transB=1)


def binary(op_type: str) -> tuple[Net, bytes]:
    rng, net = np.random.default_rng(1), Net((1, 3, 4, 5), 0.07, -9)
    other = net.const(rng.integers(-128, 128, (3, 1, 1)), "int8")
    grid = (net.const(0.03, "float32"), net.const(2, "int8"))
    return net, net.data(op_type, ["xq", *net.grid, other, *grid, *net.out], "com.microsoft")


def unary(op_type: str, scale: float, zero: int, **attributes: Any) -> tuple[Net, bytes]:
    net = Net((1, 3, 6, 6), scale, zero)
    return net, net.data(op_type, ["xq", *net.grid, *net.out], "com.microsoft", **attributes)


def concat() -> tuple[Net, bytes]:
    net = Net((1, 3, 4, 5), 0.06, 1)
    inputs = [*net.out, "xq", *net.grid, "xq", *net.grid]
    return net, net.data("QLinearConcat", inputs, "com.microsoft", axis=1)


def max_pool() -> tuple[Net, bytes]:
    net = Net((1, 3, 6, 6), 0.05, 7)
    net.out = net.grid
    return net, net.data("MaxPool", ["xq"], kernel_shape=[2, 2], strides=[2, 2])


CASES = {
    "QLinearConv": conv,
    "QLinearMatMul": matmul,
    "QGemm": gemm,
    "QLinearAdd": lambda: binary("QLinearAdd"),
    "QLinearMul": lambda: binary("QLinearMul"),
    "QLinearSigmoid": lambda: unary("QLinearSigmoid", 1 / 256, -128),
    "QLinearSoftmax": lambda: unary("QLinearSoftmax", 1 / 256, -128, axis=-1, opset=13),
    "QLinearAveragePool": lambda: unary(
        "QLinearAveragePool", 0.04, 3, kernel_shape=[2, 2], strides=[2, 2]
    ),
    "QLinearGlobalAveragePool": lambda: unary("QLinearGlobalAveragePool", 0.02, 3),
    "QLinearConcat": concat,
    "MaxPool": max_pool,
}


@pytest.mark.parametrize("name", CASES)
def test_integer_operators_become_their_real_forms(name, tmp_path):
    net, data = CASES[name]()
    (tmp_path / "net.onnx").write_bytes(data)
    model = Model.from_bytes(load(tmp_path / "net.onnx"), "net")
    assert not any(node.op_type.startswith(("QLinear", "QGemm")) for node in model.ir.graph)
    assert {domain for domain in model.ir.graph.opset_imports} <= {""}
    step = float(numpy_helper.to_array(net.constants[int(net.out[0][1:])]))
    rng = np.random.default_rng(0)
    for _ in range(10):
        x = rng.normal(0, 3, net.shape).astype(np.float32)
        want = judged(data, x)
        assert np.abs(infer(model, x)[0] - want).max() <= 1.01 * step
        (y,) = outputs(lower(model, Options(rounding="single")), x)
        assert np.abs(y - want).max() <= 1.01 * step


@pytest.mark.needs_data
def test_a_real_net_of_integer_operators_runs_as_c(studio_data):
    path = studio_data / MICRO_KWS
    model = Model.from_bytes(load(path), path.stem)
    program = lower(model)
    assert not program.notes
    assert program.transposes == 0
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.uniform(0, 26, model.inputs[0].shape).astype(np.float32)
        want = judged(path.read_bytes(), x)
        assert infer(model, x)[0].argmax() == want.argmax()
        difference, layer = worst_layer(model, program, x)
        assert difference <= 1, layer


def test_what_has_no_real_form_stays_and_is_named(tmp_path):
    net = Net((1, 3, 6, 6), 0.02, 3)
    inputs = ["xq", *net.grid, *net.out]
    data = net.data("QLinearGlobalAveragePool", inputs, "com.microsoft", channels_last=1)
    (tmp_path / "net.onnx").write_bytes(data)
    proto = onnx.ModelProto.FromString(load(tmp_path / "net.onnx"))
    assert "QLinearGlobalAveragePool" in {node.op_type for node in proto.graph.node}
