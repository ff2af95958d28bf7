"""Model: an immutable ONNX graph, the thing that flows through the studio.

Every stage of the work is one of these, float or quantised (standard QDQ), so each can be
saved, opened elsewhere and judged by onnxruntime. After import the batch is 1 and every
value has a static shape and a dtype.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from studio.errors import ModelError

if TYPE_CHECKING:
    import onnx_ir

HISTORY = "tms.history"
STATES = "tms.states"
_PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "RNN", "GRU", "LSTM"}
_NO_WEIGHTS = {"QuantizeLinear", "DequantizeLinear", "Clip", "Pad"}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, static shape (batch included) and numpy dtype name of a value."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class State:
    """What a model carries from run to run: a graph input, and the output that is its next value.

    The input's initialiser is the value that a fresh run begins with.
    """

    input: str
    output: str
    shape: tuple[int, ...]
    dtype: str


class Model:
    """An immutable ONNX graph; two models are equal only if they are the same object.

    Make one with `from_bytes`, `from_ir` or `derived`. `ir` is shared and must never be
    changed: steps work on `clone_ir()`, which costs about a millisecond because it shares
    tensors (replace a `const_value`, never write into its array).
    """

    def __init__(self, name: str, data: bytes | None, graph: onnx_ir.Model | None) -> None:
        self._name = name
        self._data = data
        self._graph = graph

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "") -> Model:
        """A model from serialised ONNX that the importer or a step wrote; parsed on first use."""
        return cls(name, data, None)

    @classmethod
    def from_ir(cls, ir: onnx_ir.Model, name: str = "") -> Model:
        """A model that takes over `ir`; the caller must not change it afterwards."""
        return cls(name, None, ir)

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_bytes, (self.to_bytes(), self._name)

    def __repr__(self) -> str:
        return f"<Model {self.name or '?'} {self.digest[:12]}>"

    @cached_property
    def ir(self) -> onnx_ir.Model:
        """The graph as onnx_ir; never change it."""
        if self._graph is None:
            import onnx
            import onnx_ir

            self._graph = onnx_ir.from_proto(onnx.ModelProto.FromString(self._data or b""))
        return self._graph

    def clone_ir(self) -> onnx_ir.Model:
        """A graph of one's own, sharing the tensors."""
        return self.ir.clone()

    def derived(
        self,
        ir: onnx_ir.Model,
        step: str,
        params: Mapping[str, Any],
        layers: Mapping[str, str] | None = None,
    ) -> Model:
        """The result of a step: takes over `ir` and appends the step to its history.

        Args:
            ir: the changed graph, this model's own.
            step: id of the step.
            params: its parameters as plain values.
            layers: what it did to each layer, in words, by the layer's name.
        """
        entry: dict[str, Any] = {"step": step, "params": dict(params)}
        if layers:
            entry["layers"] = dict(layers)
        ir.metadata_props[HISTORY] = json.dumps([*self.history, entry], sort_keys=True)
        return Model.from_ir(ir, self._name)

    def to_bytes(self) -> bytes:
        """Serialised ONNX; the same model always gives the same bytes."""
        if self._data is None:
            import onnx_ir

            self._data = onnx_ir.to_proto(self.ir).SerializeToString(deterministic=True)
        return self._data

    @cached_property
    def digest(self) -> str:
        """sha256 of `to_bytes()` in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def name(self) -> str:
        """The name for people: the file's stem, else the graph's name."""
        return self._name or self.ir.graph.name or ""

    @cached_property
    def metadata(self) -> Mapping[str, str]:
        """The model's metadata_props."""
        return dict(self.ir.metadata_props)

    @cached_property
    def history(self) -> tuple[dict[str, Any], ...]:
        """The steps that made this model, oldest first: {"step": id, "params": {...}}.

        A step that reports adds "layers": {name: what it did}.
        """
        try:
            entries = json.loads(self.metadata.get(HISTORY, "[]"))
        except ValueError:
            return ()
        return tuple(entries) if isinstance(entries, list) else ()

    @cached_property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The graph's inputs in order, initialisers and with them states left out."""
        return tuple(self._spec(v) for v in self.ir.graph.inputs if not v.is_initializer())

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The graph's outputs in order, those that are a state's next value left out."""
        kept = {state.output for state in self.states}
        return tuple(self._spec(v) for v in self.ir.graph.outputs if v.name not in kept)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """What is carried from run to run, as the metadata `tms.states` lists it.

        Raises:
            ModelError: metadata that do not fit the graph.
        """
        pairs = state_pairs(self.metadata, self.name)
        inputs = {value.name: value for value in self.ir.graph.inputs if value.is_initializer()}
        outputs = {value.name: value for value in self.ir.graph.outputs}
        return tuple(self._state(inputs.get(a), outputs.get(b), (a, b)) for a, b in pairs)

    def _state(
        self, before: onnx_ir.Value | None, after: onnx_ir.Value | None, names: tuple[str, str]
    ) -> State:
        if before is None or after is None:
            what = f"its state {names[0]!r}, {names[1]!r} is no input with a default and an output"
            raise ModelError(what, self.name, "see tms.states in its metadata")
        old, new = self._spec(before), self._spec(after)
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            what = f"its state '{old.name}' is {old.dtype}{list(old.shape)} before a run"
            raise ModelError(f"{what} and {new.dtype}{list(new.shape)} after it", self.name)
        return State(old.name, new.name, old.shape, old.dtype)

    def shape_of(self, value: str) -> tuple[int, ...]:
        """The static shape of a value, batch included.

        Raises:
            ModelError: no such value, or a shape that is not static.
        """
        return self._spec(self._value(value)).shape

    def dtype_of(self, value: str) -> str:
        """The numpy dtype name of a value."""
        return self._spec(self._value(value)).dtype

    @cached_property
    def quantized(self) -> bool:
        """Whether the graph quantises anything (has a QuantizeLinear)."""
        return any(node.op_type == "QuantizeLinear" for node in self.ir.graph)

    @cached_property
    def parameters(self) -> int:
        """Elements of all weights; shapes, limits, scales and zero points are none."""
        return sum(
            math.prod(value.shape.numpy())
            for value in self.ir.graph.initializers.values()
            if value.shape is not None and _is_weight(value)
        )

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one inference in convolutions and matrix products."""
        return sum(self._node_macs(node) for node in self.ir.graph)

    @cached_property
    def _values(self) -> dict[str, onnx_ir.Value]:
        graph = self.ir.graph
        values = [*graph.inputs, *graph.initializers.values()]
        values += [value for node in graph for value in node.outputs]
        return {value.name: value for value in values if value.name}

    def _value(self, name: str) -> onnx_ir.Value:
        try:
            return self._values[name]
        except KeyError:
            raise ModelError(f"there is no value '{name}'", self.name) from None

    def _spec(self, value: onnx_ir.Value) -> TensorSpec:
        shape, dtype, name = value.shape, value.dtype, value.name or ""
        if dtype is None or shape is None or not shape.is_static():
            raise ModelError(f"value '{name}' has no static shape", self.name)
        return TensorSpec(name, tuple(int(d) for d in shape.numpy()), dtype.numpy().name)

    def _node_macs(self, node: onnx_ir.Node) -> int:
        if node.op_type == "Scan" and node.inputs[-1] is not None:
            body = node.attributes["body"].as_graph()
            steps = self._spec(node.inputs[-1]).shape[0]
            return steps * sum(self._node_macs(inner) for inner in body)
        if node.op_type not in _PRODUCTS:
            return 0
        try:
            shapes = [self._spec(value).shape for value in node.inputs[:3] if value is not None]
            weights = [math.prod(shape[1:]) for shape in shapes]
            if node.op_type in ("RNN", "GRU", "LSTM"):  # every time step, input and state weights
                return math.prod(shapes[0][:2]) * shapes[1][0] * (weights[1] + weights[2])
            out = self._spec(node.outputs[0]).shape
        except ModelError:  # behind an operator that nobody knows; the check names it
            return 0
        if node.op_type == "Conv":
            return math.prod(out) * weights[1]
        if node.op_type == "ConvTranspose":
            return math.prod(shapes[0]) * weights[1]
        transposed = node.op_type == "Gemm" and bool(node.attributes.get_int("transA", 0))
        return math.prod(out) * shapes[0][-2 if transposed else -1]


def state_pairs(metadata: Mapping[str, str], where: str) -> tuple[tuple[str, str], ...]:
    """The names of the inputs and outputs that are states, by a graph's metadata.

    Raises:
        ModelError: no list of pairs of names, or a name twice.
    """
    try:
        listed = json.loads(metadata.get(STATES, "[]"))
        pairs = [(pair[0], pair[1]) for pair in listed if isinstance(pair, list) and len(pair) == 2]
    except (ValueError, TypeError, RecursionError):
        listed, pairs = [""], []
    names = [name for pair in pairs for name in pair]
    known = all(isinstance(name, str) and name for name in names)
    if len(pairs) < len(listed) or not known or len(set(names)) < len(names):
        hint = "it is a JSON list of [input name, output name], each name once"
        raise ModelError(f"its metadata {STATES} are not understood", where, hint)
    return tuple(pairs)


def _is_weight(value: onnx_ir.Value) -> bool:
    from onnx_ir import DataType

    if value.is_graph_input():  # a state
        return False

    for node, index in value.uses():
        if node.op_type == "DequantizeLinear" and index == 0:
            return True
        if node.op_type not in _NO_WEIGHTS and value.dtype in (
            DataType.FLOAT,
            DataType.FLOAT16,
            DataType.DOUBLE,
        ):
            return True
    return False
