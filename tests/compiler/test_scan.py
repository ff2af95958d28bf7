"""Quantised recurrent layers in C: against onnxruntime step by step, and as whole nets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import pytest
from onnx import helper
from recurrent_nets import FORMS, layer, quantized, random_data

from studio.build.host import HostModel
from studio.compiler.check import check
from studio.compiler.kernels.scan_s8 import COLUMNS, computed
from studio.compiler.lower import lower
from studio.compiler.ops.scan import joined
from studio.compiler.program import Options, Program
from studio.compiler.run import run
from studio.compiler.scan_body import read
from studio.compression.quantize_recurrent import QuantizeRecurrent
from studio.compression.quantize_recurrent import run as quantize
from studio.data.dataset import load
from studio.errors import Unsupported
from studio.job import finish
from studio.model.evaluate import evaluate
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

ROUNDINGS = ("single", "double", "litert")
FORWARD = [form for form in FORMS if form.get("directions", 1) == 1]


def stored(program: Program, x: np.ndarray) -> list[np.ndarray]:
    slot = program.inputs[0]
    return [slot.to_physical(slot.quantize(x) if slot.scale else x)]


def real(program: Program, y: np.ndarray) -> np.ndarray:
    out = program.outputs[0]
    y = out.to_logical(y.reshape(out.shape))
    return out.dequantize(y) if out.scale else y


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_cell_is_supported_and_its_c_is_the_numpy_definition(
    form: dict[str, Any],
) -> None:
    model = quantized(layer(**form))
    assert {row.verdict for row in check(model) if row.op_type == "Scan"} == {"supported"}
    for rounding in ROUNDINGS:
        program = lower(model, Options(rounding=rounding))
        library = finish(HostModel.build(program))
        for x in random_data(model, 3).x:
            given = stored(program, x[None])
            assert library.run(given)[0].tobytes() == run(program, given)[0].tobytes()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_cell_stays_near_onnxruntime(form: dict[str, Any]) -> None:
    model = quantized(layer(**form))
    program = lower(model, Options(rounding="single"))
    step = program.outputs[0].scale
    for x in random_data(model, 8).x:
        want = np.asarray(onnx_outputs(model, x[None])[0])
        got = real(program, run(program, stored(program, x[None]))[0])
        assert np.abs(got.reshape(want.shape) - want).max() < 2.01 * step


def onnx_outputs(model: Model, x: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.to_bytes(), options)
    return session.run(None, {model.inputs[0].name: x})


@pytest.mark.parametrize("form", FORWARD, ids=str)
def test_each_operation_is_within_one_of_onnxruntime_on_the_same_integers(
    form: dict[str, Any],
) -> None:
    """Next states differ by more where a finer scale follows: tanh's is 8 times the sums'."""
    model = quantized(layer(**form))
    program = lower(model, Options(rounding="single"))
    (call,) = (call for call in program.calls if call.kernel.startswith("tms_scan"))
    params = {
        key: program.constants[value].data if isinstance(value, str) else value
        for key, value in call.params.items()
    }
    judge, made = body_of(model)
    rng = np.random.default_rng(5)
    for _ in range(100):
        given = [
            rng.integers(-128, 128, slot.shape).astype(np.int8 if slot.shape[1] == 3 else np.int16)
            for slot in judge.get_inputs()
        ]
        names = [slot.name for slot in judge.get_inputs()]
        judged = judge.run(made, dict(zip(names, given, strict=True)))
        values = np.zeros(params["values"], np.int64)
        for place, state in zip(params["state_at"], given[:-1], strict=False):
            values[place : place + state.size] = state[0]
        wanted = iter(judged)
        rows = [
            dict(zip(COLUMNS, map(int, row), strict=True))
            for row in params["operations"].reshape(-1, len(COLUMNS))
        ]
        for operation, after in zip(rows, [*rows[1:], {}], strict=True):
            got = computed("single", params, operation, given[-1][0], values)
            if {operation["out"]} != {after.get("out"), after.get("a")}:  # else half a result
                want = next(wanted)[0]
                assert np.abs(got - want).max() <= 1
                got = want
            values[operation["out"] : operation["out"] + got.size] = got
        assert not list(wanted)


def body_of(model: Model) -> tuple[onnxruntime.InferenceSession, list[str]]:
    """The body of a Scan by itself, and the results that its kernel computes, in order."""
    proto = onnx.ModelProto.FromString(model.to_bytes())
    (scan,) = (node for node in proto.graph.node if node.op_type == "Scan")
    (body,) = (a.g for a in scan.attribute if a.name == "body")
    (node,) = (node for node in model.ir.graph if node.op_type == "Scan")
    steps = read(node.attributes["body"].as_graph(), "test")
    made = [step.out for step in steps.steps if step.out not in joined(steps)]
    body.initializer.extend(proto.graph.initializer)
    body.output.extend(helper.make_empty_tensor_value_info(name) for name in made)
    whole = helper.make_model(body, opset_imports=proto.opset_import, ir_version=proto.ir_version)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(whole.SerializeToString(), options), made


@pytest.mark.needs_data
def test_the_gru_net_classifies_as_in_onnxruntime(studio_data: Path) -> None:
    bench = studio_data / "bench"
    model = Model.from_bytes(load_onnx(bench / "imu_gru.onnx"), "imu_gru")
    data = load(bench / "imu.npz")
    result = finish(quantize(QuantizeRecurrent(samples=64), model, data))
    program = lower(result)
    library = finish(HostModel.build(program))
    test = data.part("test")
    assert test.y is not None
    found = [library.run(stored(program, x[None]))[0].argmax() for x in test.x]
    right = int((np.array(found) == test.y).sum())
    assert abs(right - evaluate(result, data).accuracy * len(test.x)) <= 2


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("Tanh", lambda node: setattr(node, "op_type", "Erf"), "operator Erf in its body"),
        ("Gemm", lambda node: node.attribute.pop(), "transB 0"),
        ("Scan", lambda node: node.attribute.append(axis_one()), "another axis"),
    ],
)
def test_other_bodies_are_refused_by_name(kind: str, change: Any, says: str) -> None:
    proto = onnx.ModelProto.FromString(quantized(layer("RNN")).to_bytes())
    (scan,) = (node for node in proto.graph.node if node.op_type == "Scan")
    (body,) = (a.g for a in scan.attribute if a.name == "body")
    change(next(node for node in (scan, *body.node) if node.op_type == kind))
    with pytest.raises(Unsupported, match=says):
        lower(Model.from_bytes(proto.SerializeToString(), "odd"))


def axis_one() -> onnx.AttributeProto:
    return helper.make_attribute("scan_input_axes", [1])


def test_sums_that_may_pass_32_bits_are_refused() -> None:
    model = quantized(layer("RNN"))
    proto = onnx.ModelProto.FromString(model.to_bytes())
    for tensor in proto.graph.initializer:
        if tensor.name.endswith("a_h.bias"):
            worst = np.full(tensor.dims, 2**31 - 1, np.int32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(worst, tensor.name))
    with pytest.raises(Unsupported, match="32 bits"):
        lower(Model.from_bytes(proto.SerializeToString(), "large"))


def test_a_requantised_sequence_takes_no_float() -> None:
    program = lower(quantized(layer("GRU")))
    assert [call.kernel for call in program.calls] == [
        "tms_scan1_s8",
        "tms_requantize_s16_s8",
        "tms_dense_s8",
    ]
    assert {buffer.dtype for buffer in program.buffers} <= {"int8", "int16", "uint8"}


def test_a_body_that_reads_its_input_under_another_scale_is_refused() -> None:
    model = quantized(layer(**FORWARD[0]))
    ir = model.clone_ir()
    scan = next(node for node in ir.graph if node.op_type == "Scan")
    body = scan.attributes["body"].as_graph()
    reader = next(n for n in body if n.inputs[0] is body.inputs[-1])
    other = onnx_ir.val("other", const_value=onnx_ir.tensor(np.float32(0.5), name="other"))
    ir.graph.register_initializer(other)
    reader.replace_input_with(1, other)
    with pytest.raises(Unsupported, match="another scale"):
        lower(Model.from_ir(ir, "other"))
