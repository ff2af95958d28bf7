"""Lowered Programs against onnxruntime: float within rounding, int8 layer by layer within one."""

from __future__ import annotations

import numpy as np
import pytest
from judge import judged, outputs, worst_layer
from nets import OPERATORS, Net, conv_1d, ds_cnn, noise, quantized

from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.errors import Unsupported


@pytest.mark.parametrize("name", OPERATORS)
def test_float_programs_compute_what_onnxruntime_computes(name):
    model = OPERATORS[name]()
    program = lower(model)
    for x in noise(model, 3):
        for got, want in zip(outputs(program, x[None]), judged(model, x[None]), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rounding", ["single", "double", "litert"])
@pytest.mark.parametrize("name", OPERATORS)
def test_int8_layers_fed_the_same_integers_differ_by_at_most_one(name, rounding):
    model = quantized(OPERATORS[name]())
    program = lower(model, Options(rounding=rounding))
    assert all(b.dtype == "int8" for b in (*program.inputs, *program.outputs))
    for x in noise(model, 3):
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
    for function in OPERATORS.values():
        program = lower(function())
        for buffer in (*program.inputs, *program.outputs):
            x = np.arange(np.prod(buffer.logical_shape)).reshape(buffer.logical_shape)
            assert np.array_equal(buffer.to_logical(buffer.to_physical(x)), x)


def test_a_graph_that_only_renames_its_input_copies_it():
    net = Net()
    model = net.model((1, 4, 6), net.node("Identity", "x"))
    program = lower(model)
    x = noise(model, 1)
    assert np.array_equal(outputs(program, x)[0], x)


def test_an_unknown_operator_is_refused_by_name():
    net = Net()
    model = net.model((1, 4), net.node("Shrink", "x"))
    with pytest.raises(Unsupported, match="Shrink") as caught:
        lower(model)
    assert "Conv" in caught.value.hint


def test_a_batch_above_one_is_refused():
    net = Net()
    model = net.model((2, 3, 8, 8), net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3]))
    with pytest.raises(Unsupported, match="batch 2"):
        lower(model)
