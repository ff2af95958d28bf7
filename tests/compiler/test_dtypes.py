"""Number types at the borders of a graph and inside constants."""

from __future__ import annotations

import numpy as np
import pytest
from judge import fed, run_onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from studio.compiler import weights
from studio.compiler.lower import lower
from studio.compiler.run import run
from studio.errors import Unsupported
from studio.model.model import Model

X = (1, 3, 6, 5)


def model(nodes, inputs, outputs, constants, opset=21) -> Model:
    infos = [
        [helper.make_tensor_value_info(name, dtype, shape) for name, dtype, shape in side]
        for side in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "net", *infos, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    proto = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    return Model.from_bytes(proto.SerializeToString(), "net")


def quantized_relu(dtype: str, zero: int) -> Model:
    """Integers in, integers out."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    pair = {"scale": np.float32(0.05).reshape(()), "zero": np.array(zero, dtype)}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]),
        helper.make_node("Tanh", ["real"], ["tanh"]),
        helper.make_node("QuantizeLinear", ["tanh", "scale", "zero"], ["y"]),
    ]
    return model(nodes, [("x", element, X)], [("y", element, X)], pair)


@pytest.mark.parametrize(
    ("dtype", "zero"), [("uint8", 128), ("uint8", 7), ("int8", -5), ("int16", 0)]
)
def test_integers_at_both_borders_keep_their_type(dtype, zero):
    net = quantized_relu(dtype, zero)
    program = lower(net)
    assert [b.dtype for b in (*program.inputs, *program.outputs)] == [dtype, dtype]
    limits = np.iinfo(dtype)
    x = np.random.default_rng(0).integers(limits.min, limits.max + 1, X).astype(dtype)
    [slot], [out] = program.inputs, program.outputs
    got = out.to_logical(run(program, [slot.to_physical(x)])[0])
    want = run_onnx(net, [x])[0]
    assert np.abs(got.astype(int) - want).max() <= 1


def with_narrow_weights(op: str, shape, axis: int, dtype=np.int8, **attributes) -> Model:
    """QDQ around a node whose weights are int4."""
    from ml_dtypes import int4

    rng = np.random.default_rng(1)
    zeros = (-4, 9) if dtype is np.int8 else (0, 0)
    stored = rng.integers(-7, 8, shape).astype(int4)
    scales = rng.uniform(0.01, 0.05, shape[axis]).astype(np.float32)
    constants = {
        "w": stored, "ws": scales, "wz": np.zeros(shape[axis], int4),
        "xs": np.float32(0.02).reshape(()), "xz": dtype(zeros[0]).reshape(()),
        "ys": np.float32(0.03).reshape(()), "yz": dtype(zeros[1]).reshape(()),
    }  # fmt: skip
    x = X if op == "Conv" else (2, shape[0])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=axis),
        helper.make_node(op, ["xd", "wd"], ["r"], **attributes),
        helper.make_node("QuantizeLinear", ["r", "ys", "yz"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
    ]
    f32 = TensorProto.FLOAT
    return model(nodes, [("x", f32, x)], [("y", f32, None)], constants)


@pytest.mark.parametrize(
    ("net", "kernel", "n"),
    [
        (with_narrow_weights("Conv", (4, 3, 3, 3), 0), "tms_conv2d_s8_w4", 4 * 14),
        (with_narrow_weights("MatMul", (9, 5), 1), "tms_dense_s8_w4", 5 * 5),
        (with_narrow_weights("Conv", (3, 1, 3, 3), 0, group=3), "tms_depthwise2d_s8_w4", 9 * 2),
    ],
)
def test_int4_weights_stay_packed_in_flash(net, kernel, n, monkeypatch):
    monkeypatch.setattr(weights, "_flash_bytes", lambda forms: sum(f.size_bytes for f in forms))
    program = lower(net)
    [call] = program.calls
    assert call.kernel == kernel
    assert program.constants[call.params["weights"]].size_bytes == n
    x = np.random.default_rng(2).normal(0, 1, program.inputs[0].logical_shape).astype(np.float32)
    steps = (fed(program, [x])[0] - run_onnx(net, [x])[0]) / program.outputs[0].scale
    assert np.abs(steps).max() <= 1.01


def test_int4_weights_beside_16_bit_activations_are_said_to_save_nothing():
    program = lower(with_narrow_weights("Conv", (4, 3, 3, 3), 0, np.int16))
    [call], [note] = program.calls, program.notes
    assert call.kernel == "tms_conv2d_s16"
    assert note.endswith("4-bit weights stored as int8, 0 bytes saved: no kernel takes them")


def test_a_scale_for_each_block_of_weights_gives_real_weights():
    rng = np.random.default_rng(3)
    constants = {
        "w": rng.integers(-127, 128, (8, 4)).astype(np.int8),
        "s": rng.uniform(0.01, 0.1, (4, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["wd"], axis=0, block_size=2),
        helper.make_node("MatMul", ["x", "wd"], ["y"]),
    ]
    f32 = TensorProto.FLOAT
    net = model(nodes, [("x", f32, (3, 8))], [("y", f32, (3, 4))], constants)
    x = rng.normal(0, 1, (3, 8)).astype(np.float32)
    np.testing.assert_allclose(fed(lower(net), [x])[0], run_onnx(net, [x])[0], rtol=1e-4, atol=1e-5)


def test_numbers_of_64_bits_are_kept_in_32():
    nodes = [
        helper.make_node("ArgMax", ["x"], ["at"], axis=1, keepdims=0),
        helper.make_node("Gather", ["table", "at"], ["y"]),
    ]
    table = np.random.default_rng(4).normal(0, 1, (6, 3)).astype(np.float32)
    f32 = TensorProto.FLOAT
    outs = [("y", f32, (2, 3)), ("at", TensorProto.INT64, (2,))]
    net = model(nodes, [("x", f32, (2, 6))], outs, {"table": table})
    program = lower(net)
    assert [b.dtype for b in program.outputs] == ["float32", "int32"]
    x = np.random.default_rng(5).normal(0, 1, (2, 6)).astype(np.float32)
    for got, want in zip(fed(program, [x]), run_onnx(net, [x]), strict=True):
        assert np.array_equal(got, want)


@pytest.mark.parametrize("to", [TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL])
def test_casts_there_and_back(to):
    nodes = [
        helper.make_node("Cast", ["x"], ["whole"], to=to),
        helper.make_node("Cast", ["whole"], ["y"], to=TensorProto.FLOAT),
    ]
    f32 = TensorProto.FLOAT
    net = model(nodes, [("x", f32, X)], [("y", f32, X)], {})
    x = np.random.default_rng(6).normal(0, 9, X).astype(np.float32)
    x[0, 0, 0] = 0
    assert np.array_equal(fed(lower(net), [x])[0], run_onnx(net, [x])[0])


def test_logic_of_comparisons_chooses_values():
    nodes = [
        helper.make_node("Less", ["x", "limit"], ["small"]),
        helper.make_node("Greater", ["x", "y"], ["larger"]),
        helper.make_node("And", ["small", "larger"], ["both"]),
        helper.make_node("Not", ["small"], ["large"]),
        helper.make_node("Or", ["both", "large"], ["any"]),
        helper.make_node("Where", ["any", "x", "y"], ["z"]),
    ]
    f32 = TensorProto.FLOAT
    inputs = [("x", f32, X), ("y", f32, (3, 1, 5))]
    outs = [("z", f32, X), ("any", TensorProto.BOOL, X)]
    net = model(nodes, inputs, outs, {"limit": np.float32(0.3).reshape(())})
    rng = np.random.default_rng(8)
    arrays = [rng.normal(0, 1, shape).astype(np.float32) for _, _, shape in inputs]
    program = lower(net)
    assert program.outputs[1].dtype == "bool"
    for got, want in zip(fed(program, arrays), run_onnx(net, arrays), strict=True):
        assert np.array_equal(got, want)


def test_integers_where_reals_are_expected_are_refused():
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    i8 = TensorProto.INT8
    net = model(nodes, [("x", i8, X)], [("y", i8, X)], {})
    with pytest.raises(Unsupported, match="Add: takes no int8"):
        lower(net)


def with_stored_weights(op: str, x_shape, shape, axis: int, quantised_input: bool, **attributes):
    """Int8 weights before a node whose result is real; the input is real, or quantised too."""
    rng = np.random.default_rng(1)
    constants = {
        "w": rng.integers(-127, 128, shape).astype(np.int8),
        "ws": rng.uniform(0.001, 0.005, shape[axis]).astype(np.float32),
        "b": rng.normal(0, 1, shape[axis]).astype(np.float32),
        "xs": np.float32(0.02).reshape(()), "xz": np.int8(-4).reshape(()),
    }  # fmt: skip
    nodes = [helper.make_node("DequantizeLinear", ["w", "ws"], ["wd"], axis=axis)]
    x = "x"
    if quantised_input:
        nodes.append(helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]))
        nodes.append(helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]))
        x = "xd"
    nodes.append(helper.make_node(op, [x, "wd", "b"], ["y"], **attributes))
    f32 = TensorProto.FLOAT
    return model(nodes, [("x", f32, x_shape)], [("y", f32, None)], constants)


@pytest.mark.parametrize("quantised_input", [False, True])
@pytest.mark.parametrize(
    ("kernel", "arguments", "attributes"),
    [
        ("tms_conv2d_f32_w8", ("Conv", X, (4, 3, 3, 2), 0), {"pads": [1, 1, 0, 0]}),
        ("tms_depthwise2d_f32_w8", ("Conv", X, (6, 1, 3, 2), 0), {"group": 3}),
        ("tms_dense_f32_w8", ("Gemm", (2, 9), (5, 9), 0), {"transB": 1, "alpha": 0.5}),
    ],
)
def test_int8_weights_stay_int8_in_flash_where_the_result_is_real(
    kernel, arguments, attributes, quantised_input
):
    net = with_stored_weights(*arguments, quantised_input, **attributes)
    program = lower(net)
    call = program.calls[-1]
    assert call.kernel == kernel
    assert program.constants[call.params["weights"]].data.dtype == np.int8
    x = np.random.default_rng(2).normal(0, 1, arguments[1]).astype(np.float32)
    np.testing.assert_allclose(fed(program, [x])[0], run_onnx(net, [x])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("op", "kernel"), [("Sigmoid", "sigmoid"), ("Tanh", "tanh")])
def test_int16_curves_under_tflites_own_scale_are_tflites(op, kernel):
    constants = {
        "xs": np.float32(1 / 4096).reshape(()), "ys": np.float32(1 / 32768).reshape(()),
        "zero": np.int16(0).reshape(()),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs", "zero"], ["real"]),
        helper.make_node(op, ["real"], ["curve"]),
        helper.make_node("QuantizeLinear", ["curve", "ys", "zero"], ["y"]),
    ]
    i16 = TensorProto.INT16
    net = model(nodes, [("x", i16, (4096,))], [("y", i16, (4096,))], constants)
    program = lower(net)
    assert [call.kernel for call in program.calls] == [f"tms_{kernel}_s16"]
    x = np.arange(-32768, 32768, 16).astype(np.int16)
    got = run(program, [x])[0].astype(int)
    assert np.abs(got - run_onnx(net, [x])[0]).max() <= 8  # straight lines: 8 of 65536


def test_a_dropout_that_drops_is_refused():
    nodes = [helper.make_node("Dropout", ["x", "ratio", "training"], ["y"])]
    constants = {"ratio": np.float32(0.5).reshape(()), "training": np.array(True)}
    f32 = TensorProto.FLOAT
    net = model(nodes, [("x", f32, X)], [("y", f32, X)], constants)
    with pytest.raises(Unsupported, match="as in training"):
        lower(net)
