"""Lowered Programs against onnxruntime: float within rounding, int8 layer by layer within one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from judge import judged, outputs, worst_layer
from nets import Net, ds_cnn, resnet8

from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int8 import run as quantize
from studio.data.dataset import Dataset
from studio.errors import Unsupported
from studio.job import finish
from studio.model.model import Model

Shape = tuple[int, ...]


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


NETS: dict[str, Callable[[], Model]] = {
    function.__name__: function
    for function in (
        conv_block, conv_1d, same_padding, pools, residual, joined, flattened, normalised,
        scaled_gemm, ds_cnn, resnet8,
    )
}  # fmt: skip


def samples(model: Model, n: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.normal(0, 1, (n, *model.inputs[0].shape[1:])).astype(np.float32)


def quantized(model: Model) -> Model:
    x = samples(model, 16)
    data = Dataset("noise", x, None, (), np.array(["train"] * len(x)))
    return finish(quantize(QuantizeInt8(samples=16), model, data))


@pytest.mark.parametrize("name", NETS)
def test_float_programs_compute_what_onnxruntime_computes(name):
    model = NETS[name]()
    program = lower(model)
    for x in samples(model, 3):
        for got, want in zip(outputs(program, x[None]), judged(model, x[None]), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rounding", ["single", "double", "litert"])
@pytest.mark.parametrize("name", NETS)
def test_int8_layers_fed_the_same_integers_differ_by_at_most_one(name, rounding):
    model = quantized(NETS[name]())
    program = lower(model, Options(rounding=rounding))
    assert all(b.dtype == "int8" for b in (*program.inputs, *program.outputs))
    for x in samples(model, 3):
        difference, where = worst_layer(model, program, x[None])
        assert difference <= 1, where


def test_rounding_modes_choose_the_kernels_variants():
    model = quantized(ds_cnn())
    names = {
        rounding: {call.kernel for call in lower(model, Options(rounding=rounding)).calls}
        for rounding in ("single", "double", "litert")
    }
    assert not any(name.endswith("_dr") for name in names["single"])
    assert {"tms_conv2d_s8_dr", "tms_dense_s8_dr"} <= names["double"]
    assert {"tms_conv2d_s8_dr", "tms_dense_s8"} <= names["litert"]


def test_flatten_after_a_convolution_moves_weights_and_not_activations():
    net = Net()
    x = net.conv("x", (4, 2, 3, 3), kernel_shape=[3, 3])
    model = net.model((1, 2, 7, 6), net.dense(net.node("Flatten", x), 80, 12))
    assert lower(model).transposes == 0


def test_a_tensor_of_time_steps_is_fed_as_it_is():
    program = lower(conv_1d())
    assert program.transposes == 0
    x = np.arange(64 * 6, dtype=np.float32).reshape(1, 64, 6)
    assert np.array_equal(program.inputs[0].to_physical(x).ravel(), x.ravel())


def test_outputs_and_inputs_go_to_memory_and_back_unchanged():
    for function in NETS.values():
        program = lower(function())
        for buffer in (*program.inputs, *program.outputs):
            x = np.arange(np.prod(buffer.logical_shape)).reshape(buffer.logical_shape)
            assert np.array_equal(buffer.to_logical(buffer.to_physical(x)), x)


def test_a_graph_that_only_renames_its_input_copies_it():
    net = Net()
    model = net.model((1, 4, 6), net.node("Identity", "x"))
    program = lower(model)
    x = samples(model, 1)
    assert np.array_equal(outputs(program, x)[0], x)


def test_an_unknown_operator_is_refused_by_name():
    net = Net()
    model = net.model((1, 4), net.node("Softsign", "x"))
    with pytest.raises(Unsupported, match="Softsign") as caught:
        lower(model)
    assert "Conv" in caught.value.hint


def test_a_batch_above_one_is_refused():
    net = Net()
    model = net.model((2, 3, 8, 8), net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3]))
    with pytest.raises(Unsupported, match="batch 2"):
        lower(model)
