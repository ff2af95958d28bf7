"""Small nets that carry state from run to run, each in another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from studio.model.model import STATES, Model

N = 8  # values of the input


def with_states(
    nodes: list[onnx.NodeProto],
    states: dict[str, tuple[str, Any]],
    output: str = "y",
    **constants: Any,
) -> Model:
    """A model of input x [1, N] whose states {input: (output, first value)} are named so."""
    real = TensorProto.FLOAT
    arrays = {name: np.asarray(first, np.float32) for name, (_, first) in states.items()}
    inputs = [helper.make_tensor_value_info("x", real, (1, N))]
    inputs += [helper.make_tensor_value_info(name, real, a.shape) for name, a in arrays.items()]
    outputs = [
        helper.make_tensor_value_info(name, real, None)
        for name in (output, *(after for after, _ in states.values()))
    ]
    arrays |= {name: np.asarray(value) for name, value in constants.items()}
    initializers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "main", inputs, outputs, initializers)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    pairs = [[name, after] for name, (after, _) in states.items()]
    helper.set_model_props(proto, {STATES: json.dumps(pairs)})
    proto = shape_inference.infer_shapes(proto, strict_mode=True)
    onnx.checker.check_model(proto)
    return Model.from_bytes(proto.SerializeToString(), "net")


def node(op_type: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs.split(), [output], name=output, **attributes)


def running_sum() -> Model:
    """Each element is the sum of all so far: written over the old one."""
    nodes = [node("Add", "s x", "t"), node("Tanh", "t", "y")]
    return with_states(nodes, {"s": ("t", np.zeros((1, N)))})


def delay() -> Model:
    """Two runs late: each state takes over what the other one had."""
    nodes = [node("Tanh", "x", "t1"), node("Identity", "s1", "t2"), node("Neg", "s2", "y")]
    first = np.linspace(-1, 1, N)[None]
    return with_states(nodes, {"s1": ("t1", first), "s2": ("t2", -2 * first)})


def swap() -> Model:
    """Two states that change places."""
    nodes = [node("Identity", "b", "a2"), node("Identity", "a", "b2"), node("Add", "a x", "y")]
    return with_states(nodes, {"a": ("a2", np.ones((1, N))), "b": ("b2", np.arange(N)[None])})


def late_reader() -> Model:
    """The old value is read after the next one is there."""
    nodes = [node("Tanh", "x", "t"), node("Sub", "t s", "y")]
    return with_states(nodes, {"s": ("t", np.full((1, N), 3.0))})


def twins() -> Model:
    """Two states with one next value, which is an output too."""
    nodes = [node("Add", "s x", "y"), node("Identity", "y", "t"), node("Add", "r x", "q")]
    nodes += [node("Mul", "q y", "u"), node("Identity", "u", "v")]
    firsts = {
        "s": ("t", np.zeros((1, N))),
        "r": ("u", np.ones((1, N))),
        "w": ("v", np.ones((1, N))),
    }
    return with_states(nodes, firsts)


def unchanged() -> Model:
    """A state that keeps its first value."""
    nodes = [node("Mul", "x s", "y"), node("Identity", "s", "t")]
    return with_states(nodes, {"s": ("t", np.arange(N)[None])})


def window() -> Model:
    """A filter over the last four inputs, in int8: the oldest falls out."""
    grid = {"scale": np.float32(0.05), "zero": np.int8(3)}
    nodes = []
    for name, value in (("x", "x"), ("s", "s")):
        nodes += [node("QuantizeLinear", f"{value} scale zero", f"{name}/q")]
        nodes += [node("DequantizeLinear", f"{name}/q scale zero", f"{name}/r")]
    nodes += [
        node("Reshape", "x/r shape", "row"),
        node("Concat", "s/r row", "seen", axis=2),
        node("Slice", "seen one end axis", "kept"),
        node("QuantizeLinear", "kept scale zero", "t/q"),
        node("DequantizeLinear", "t/q scale zero", "t"),
        node("DequantizeLinear", "w sw", "wr"),
        node("Conv", "seen wr", "conv"),
        node("QuantizeLinear", "conv scale zero", "y/q"),
        node("DequantizeLinear", "y/q scale zero", "y"),
    ]
    weights = np.random.default_rng(0).integers(-127, 128, (5, N, 4, 1)).astype(np.int8)
    constants = {"shape": [1, N, 1, 1], "one": [1], "end": [4], "axis": [2]}
    return with_states(
        nodes,
        {"s": ("t", np.zeros((1, N, 3, 1)))},
        "y",
        **grid,
        **{name: np.array(value, np.int64) for name, value in constants.items()},
        w=weights,
        sw=np.float32(0.01),
    )


NETS: dict[str, Callable[[], Model]] = {
    made.__name__: made
    for made in (running_sum, delay, swap, late_reader, twins, unchanged, window)
}
