"""One-line nets that once went wrong, and names that try to leave their comment."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from judge import judged, outputs, worst_layer
from nets import Net, noise, quantized
from onnx import TensorProto, helper, numpy_helper, shape_inference

from studio.build.host import HostModel
from studio.compiler.check import check
from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import PLANS, Options
from studio.compiler.run import Machine, run
from studio.compression.quantize_int16 import QuantizeInt16, preview
from studio.errors import ModelError
from studio.job import finish
from studio.model.evaluate import infer_sequence
from studio.model.model import STATES, Model


def two_views() -> Model:
    net = Net()
    same = {"kernel_shape": [2, 2]}
    a = net.node("MaxPool", "x", **same)
    b = net.node("MaxPool", net.node("Transpose", "x", perm=[0, 1, 3, 2]), **same)
    return net.model((1, 2, 5, 5), net.node("Add", a, b))


def two_sigmoids() -> Model:
    net = Net()
    a = net.node("Sigmoid", "x")
    b = net.node("Sigmoid", net.node("Transpose", "x", perm=[0, 2, 1]))
    return net.model((1, 4, 4), net.node("Add", a, b))


def part_of_a_bias() -> Model:
    net = Net()
    weights, bias = net.const(net.rng.normal(size=(7, 4))), net.const(net.rng.normal(size=4))
    return net.model((1, 7), net.node("Gemm", "x", weights, bias, beta=0.25))


def implied_padding() -> Model:
    net = Net()
    x = net.node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    return net.model((1, 3, 11, 10), x)


def counted_implied_padding() -> Model:
    net = Net()
    x = net.node(
        "AveragePool", "x", kernel_shape=[3, 3], auto_pad="SAME_LOWER", count_include_pad=1
    )
    return net.model((1, 3, 7, 6), x)


def norm_of_a_row() -> Model:
    net = Net()
    factors = [net.const(net.rng.uniform(0.5, 2, 6)) for _ in range(4)]
    return net.model((1, 6), net.node("BatchNormalization", "x", *factors))


def untrained_bias() -> Model:
    net = Net()
    x = net.node("Add", net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3]), net.const([0.0]))
    return net.model((1, 3, 7, 6), net.node("Sigmoid", x))


NETS = {
    function.__name__: function
    for function in (
        two_views, two_sigmoids, part_of_a_bias, implied_padding,
        counted_implied_padding, norm_of_a_row, untrained_bias,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_in_float(name):
    model = NETS[name]()
    program = lower(model)
    for x in noise(model, 3):
        x = x[None] if model.inputs[0].shape[0] == 1 else np.tile(x, (4, 1))
        np.testing.assert_allclose(
            outputs(program, x)[0], judged(model, x)[0], rtol=1e-4, atol=1e-5
        )


def test_nothing_is_computed_to_add_zeros():
    assert "tms_add_f32" not in lower(untrained_bias()).kernel_names


@pytest.mark.parametrize("name", NETS)
def test_in_int8(name):
    model = quantized(NETS[name]())
    program = lower(model)
    for x in noise(model, 3):
        difference, where = worst_layer(model, program, x[None])
        assert difference <= 1, where


@pytest.mark.parametrize("value", [0.5, 3.0, -9.0, -np.inf])
@pytest.mark.parametrize("behind", ["a wider grid", "the same grid", "float"])
def test_padding_outside_the_range_of_what_is_padded_is_not_cut_off(value, behind):
    net = Net()
    fine, zero = net.const(0.01), net.const(0, np.int8)
    wide = fine if behind == "the same grid" else net.const(0.08)
    x = net.node("DequantizeLinear", net.node("QuantizeLinear", "x", fine, zero), fine, zero)
    y = net.node("Pad", x, net.const([0, 1, 0, 2], np.int64), net.const(value))
    if behind == "float":
        y = net.node("Max", y, net.const(-100))
    else:
        y = net.node("DequantizeLinear", net.node("QuantizeLinear", y, wide, zero), wide, zero)
    model = net.model((1, 3), y)
    program, steps = lower(model), 0 if behind == "float" else 0.08
    for x in noise(model, 3):
        found, want = outputs(program, x[None])[0], judged(model, x[None])[0]
        assert np.abs(np.maximum(found, -100) - np.maximum(want, -100)).max() <= steps + 1e-6


@pytest.mark.parametrize("name", ["int8", "size", "tms", "app", "model", "8bit", "ein Netz"])
def test_a_model_of_any_name_gets_names_of_its_own(name):
    net = Net()
    program = lower(net.model((1, 4), net.dense("x", 4, 2), name=name))
    assert f"{program.name}_t" not in {"int8_t", "size_t"}
    assert not {f"{program.name}.c", f"{program.name}.h"} & {"tms.h", "app.c", "app.h", "model.h"}


@pytest.mark.parametrize("text", ["*/ int evil; /*", "*\\\n/ int evil; //", "a\nint evil;"])
def test_no_text_of_a_model_leaves_its_comment(text):
    net = Net()
    out = net.dense("x", 4, 2)
    model = net.model((1, 4), out)
    ir = model.clone_ir()
    for node in ir.graph:
        node.name = text
    source = emit(lower(Model.from_ir(ir, "net")))["net.c"].decode()
    outside = "".join(part.split("*/")[-1] for part in source.split("/*"))
    assert "evil" not in outside


def test_a_rounding_that_does_not_exist_is_refused():
    net = Net()
    model = net.model((1, 4), net.dense("x", 4, 2))
    ir = model.clone_ir()
    ir.metadata_props["tms.rounding"] = "*/ evil"
    with pytest.raises(ModelError, match="rounding"):
        lower(Model.from_ir(ir, "net"))


def test_a_refused_node_with_an_activation_behind_it_is_checked_with_all_others():
    net = Net()
    x = net.node("Relu", net.node("Hardmax", "x"))
    rows = check(net.model((1, 4), net.node("Sigmoid", x)))
    assert [row.verdict for row in rows] == ["refused", "supported", "supported"]


def read_and_renewed(form: str) -> Model:
    """A state that a window of rows reads while its next value is computed."""
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.normal(0, 0.2, (4, 4, 3, 3)).astype(np.float32), "w")
    start = numpy_helper.from_array(np.zeros((1, 4, 8, 8), np.float32), "s")
    make = helper.make_node
    seen = make("Conv", ["s", "w"], ["t"], pads=[1] * 4)
    nodes = {
        "over": [seen, make("Add", ["t", "x"], ["after"]),
                 make("MaxPool", ["after"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        "beside": [seen, make("Conv", ["t", "w"], ["u"], pads=[1] * 4),
                   make("Sigmoid", ["x"], ["v"]),
                   make("Conv", ["v", "w"], ["after"], pads=[1] * 4),
                   make("Add", ["u", "after"], ["y"])],
    }[form]  # fmt: skip
    image = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4, 8, 8)) for name in "xs"]
    out = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("y", "after")]
    graph = helper.make_graph(nodes, "main", image, out, [weights, start])
    opset = helper.make_opsetid("", 21)
    proto = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    helper.set_model_props(proto, {STATES: json.dumps([["s", "after"]])})
    proto = shape_inference.infer_shapes(proto, strict_mode=True)
    return Model.from_bytes(proto.SerializeToString(), form)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("form", ["over", "beside"])
def test_a_state_is_read_before_rows_of_its_next_value_are_there(form, plan):
    model = read_and_renewed(form)
    program = lower(model, Options(plan=plan))
    machine, out = Machine(program), program.outputs[0]
    x = np.random.default_rng(1).normal(0, 1, (4, 4, 8, 8)).astype(np.float32)
    for given, want in zip(x, infer_sequence(model, x)[0], strict=True):
        got = machine.infer([program.inputs[0].to_physical(given[None])])[0]
        np.testing.assert_allclose(out.to_logical(got)[0], want, atol=1e-5)


@pytest.mark.parametrize("plan", PLANS)
def test_a_mean_of_16_bits_is_the_same_in_every_plan(plan):
    net = Net()
    out = net.node("GlobalAveragePool", net.conv("x", (8, 8, 3, 3), pads=[1] * 4))
    model = preview(QuantizeInt16(), net.model((1, 8, 16, 16), out))
    whole, other = lower(model), lower(model, Options(plan=plan))
    x = np.random.default_rng(0).integers(-9000, 9000, (16, 16, 8)).astype(np.int16)
    want = run(whole, [x])[0]
    assert finish(HostModel.build(other)).run([x])[0].tobytes() == want.tobytes()


@pytest.mark.parametrize("function", ["Tanh", "Sigmoid", "Exp", "Erf", "Softplus"])
def test_a_function_from_8_to_16_bits_keeps_its_precision(function):
    net = Net()
    narrow = [net.const(0.03), net.const(5, np.int8)]
    wide = [net.const(1.2 / 32767 if function != "Exp" else 40 / 32767), net.const(0, np.int16)]
    wide = [net.const(4 / 32767), wide[1]] if function == "Softplus" else wide
    x = net.node("DequantizeLinear", net.node("QuantizeLinear", "x", *narrow), *narrow)
    y = net.node(function, x)
    y = net.node("DequantizeLinear", net.node("QuantizeLinear", y, *wide), *wide)
    program = lower(net.model((1, 256), y))
    stored = np.arange(-128, 128, dtype=np.int8)
    out = program.outputs[0]
    got = out.dequantize(run(program, [stored])[0]).ravel()
    real = np.float32(0.03) * (stored.astype(np.float32) - 5)
    exact = {
        "Tanh": np.tanh, "Sigmoid": lambda v: 1 / (1 + np.exp(-v)), "Exp": np.exp,
        "Erf": np.vectorize(math.erf), "Softplus": lambda v: np.log1p(np.exp(v)),
    }[function](real)  # fmt: skip
    limit = out.scale * 32767
    np.testing.assert_allclose(got, np.minimum(exact, limit), atol=2e-3 * limit)
