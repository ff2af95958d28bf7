"""What a model says of its state, and what opening, evaluating and compressing make of it."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import helper
from state_nets import NETS, N, delay, running_sum

from studio.compression.step import steps
from studio.errors import ModelError, RecipeError
from studio.job import finish
from studio.model.evaluate import infer, infer_all, infer_sequence
from studio.model.importers import open_model
from studio.model.model import STATES, Model, State


def test_states_are_neither_inputs_nor_outputs():
    model = delay()
    assert [spec.name for spec in model.inputs] == ["x"]
    assert [spec.name for spec in model.outputs] == ["y"]
    assert model.states == (
        State("s1", "t1", (1, N), "float32"),
        State("s2", "t2", (1, N), "float32"),
    )
    assert model.parameters == 0


@pytest.mark.parametrize("name", NETS)
def test_a_saved_model_opens_with_its_states(name, tmp_path):
    model = NETS[name]()
    path = tmp_path / "net.onnx"
    path.write_bytes(model.to_bytes())
    opened = finish(open_model(path))
    assert opened.states == model.states
    x = np.random.default_rng(0).normal(0, 1, (4, N)).astype(np.float32)
    np.testing.assert_array_equal(infer_sequence(opened, x)[0], infer_sequence(model, x)[0])


def test_other_inputs_with_defaults_become_constants(tmp_path):
    proto = onnx.ModelProto.FromString(running_sum().to_bytes())
    proto.metadata_props.clear()
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    opened = finish(open_model(path))
    assert opened.states == ()
    assert [spec.name for spec in opened.outputs] == ["y", "t"]
    assert [value.name for value in opened.ir.graph.inputs] == ["x"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[", "not understood"),
        ('["s", "t"]', "not understood"),
        ('["st"]', "not understood"),
        ('[["s", "t", "u"]]', "not understood"),
        ('[["s", 1]]', "not understood"),
        ('[["s", "t"], ["s", "y"]]', "not understood"),
        ('[["x", "t"]]', "is no input"),
        ('[["s", "z"]]', "is no input"),
    ],
)
def test_metadata_that_do_not_fit_are_named(text, says, tmp_path):
    proto = onnx.ModelProto.FromString(running_sum().to_bytes())
    proto.metadata_props.clear()
    helper.set_model_props(proto, {STATES: text})
    with pytest.raises(ModelError, match=says):
        _ = Model.from_bytes(proto.SerializeToString()).states
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=says):
        finish(open_model(path))


def test_a_state_of_another_shape_afterwards_is_named():
    proto = onnx.ModelProto.FromString(running_sum().to_bytes())
    proto.graph.node.append(helper.make_node("Concat", ["t", "t"], ["u"], axis=1))
    proto.graph.output.append(helper.make_tensor_value_info("u", 1, (1, 2 * N)))
    proto.metadata_props.clear()
    helper.set_model_props(proto, {STATES: json.dumps([["s", "u"]])})
    with pytest.raises(ModelError, match="after it"):
        _ = Model.from_bytes(proto.SerializeToString()).states


def test_samples_are_judged_from_fresh_state():
    x = np.ones((3, N), np.float32)
    np.testing.assert_allclose(infer(running_sum(), x)[0], np.tanh(x), rtol=1e-6)
    want = np.tanh(np.cumsum(x, axis=0))
    np.testing.assert_allclose(infer_sequence(running_sum(), x)[0], want, rtol=1e-6)
    values = infer_all(running_sum(), x[0])
    np.testing.assert_allclose(values["t"], x[:1])


@pytest.mark.parametrize("id", [id for id, step in steps().items() if not step.takes_state])
def test_no_step_touches_a_model_with_state(id):
    step = steps()[id]
    with pytest.raises(RecipeError, match="from run to run"):
        step.plan(step.make(), delay())
    with pytest.raises(RecipeError, match="from run to run"):
        step.start(step.make(), delay(), None)
