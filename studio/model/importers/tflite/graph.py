"""The ONNX graph under construction, seen by tensors of the TFLite file.

A tensor of four axes is [n, h, w, c] in TFLite. Here it may be known as it is ("plain"), with
channels first as ONNX's spatial operators want it, or both, joined by a Transpose; since
lowering stores either as TFLite does, those cost nothing. What is quantised in TFLite is
followed by QuantizeLinear and DequantizeLinear with its scale and zero point.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.errors import ModelError, Unsupported
from studio.model.importers.tflite.file import DAMAGED, Contents
from studio.model.model import STATES

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]

OPSET = 21
IR_VERSION = 10
TO_FIRST = (0, 3, 1, 2)  # [n, h, w, c] to [n, c, h, w]
TO_PLAIN = (0, 2, 3, 1)
FIRST_AXIS = (0, 2, 3, 1)  # where each axis of [n, h, w, c] is in [n, c, h, w]


@dataclass(slots=True)
class _State:
    """Names of a graph input, of its values on the grid, and of the output that follows it."""

    name: str
    value: str
    after: str = ""


@dataclass(slots=True)
class Resource:
    """A variable that operators read and assign by its name.

    Attributes:
        name: unique in the graph; graphs share it under another one.
        initial: stored values of a fresh run; None where nothing assigns them.
        tensor: that says its shape, type and grid; -1 before the first use.
        value: its real values now; empty before the first use.
    """

    name: str
    initial: Array | None = None
    tensor: int = -1
    value: str = ""


class Graph:
    """Nodes, initialisers and the ONNX value of every tensor that is known so far.

    Attributes:
        handles: names of the variables that tensors stand for.
    """

    def __init__(self, contents: Contents, where: str) -> None:
        self.tensors = contents.tensors
        self.where = where
        self._contents = contents
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._values: dict[tuple[int, bool], str] = {}
        self._states: dict[int, _State] = {}
        self._resources: dict[str, Resource] = {}
        self.handles: dict[int, str] = {}
        self._taken: set[str] = set()
        self._names: dict[int, str] = {}
        for index in contents.inputs:
            self._add_input(index)

    # ---- names ------------------------------------------------------------------------------

    def name_of(self, index: int) -> str:
        """The name of a tensor, made unique."""
        if index not in self._names:
            self._names[index] = self.unique(self.tensors[index].name or f"tensor_{index}")
        return self._names[index]

    def unique(self, name: str) -> str:
        """A name that nothing has yet."""
        chosen, number = name, 2
        while chosen in self._taken:
            chosen, number = f"{name}_{number}", number + 1
        self._taken.add(chosen)
        return chosen

    # ---- making -----------------------------------------------------------------------------

    def node(
        self, op_type: str, inputs: list[str], name: str, outputs: int = 1, **attributes: Any
    ) -> list[str]:
        """Append a node; returns the names of its outputs, the first one being `name`."""
        from onnx import helper

        names = [self.unique(name if n == 0 else f"{name}_{n}") for n in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self._nodes.append(helper.make_node(op_type, inputs, names, name=names[0], **attributes))
        return names

    def annotate(self, metadata: dict[str, str]) -> None:
        """Say about the last node what ONNX has no attribute for."""
        for key, value in metadata.items():
            self._nodes[-1].metadata_props.add(key=key, value=value)

    def constant(self, array: Any, name: str) -> str:
        """An initialiser."""
        return self._initializer(array, self.unique(name))

    def constant_tensor(self, array: Any, index: int) -> str:
        """An initialiser with a tensor's name; the second one of a tensor gets another."""
        name = self.name_of(index)
        return self._initializer(array, self.unique(name) if name in self._initializers else name)

    def _initializer(self, array: Any, name: str) -> str:
        from onnx import numpy_helper

        contiguous = np.asarray(array, order="C")
        self._initializers[name] = numpy_helper.from_array(contiguous, name)
        return name

    def dequantized(
        self, stored: str, scale: Array, zero_point: Array | None, name: str, axis: int = 0
    ) -> str:
        """DequantizeLinear of a value; one scale is a scalar."""
        grid = self._grid(scale, zero_point, name)
        chosen = axis if scale.size > 1 else None
        return self.node("DequantizeLinear", [stored, *grid], name, axis=chosen)[0]

    def _grid(self, scale: Array, zero_point: Array | None, name: str) -> list[str]:
        arrays = {"scale": scale.astype(np.float32), "zero_point": zero_point}
        return [
            self.constant(array.reshape(()) if array.size == 1 else array, f"{name}.{key}")
            for key, array in arrays.items()
            if array is not None
        ]

    def quantized(self, value: str, index: int, name: str = "") -> str:
        """A value behind QuantizeLinear and DequantizeLinear on a tensor's grid."""
        tensor, name = self.tensors[index], name or self.name_of(index)
        if tensor.scales is None or tensor.zero_points is None or tensor.scales.size > 1:
            raise self.refused(index, "activations with a scale a channel are not supported")
        if tensor.dtype == "int32":
            return self._in_32_bits(value, index)
        zero_point = _integers(tensor.zero_points, tensor.dtype)
        grid = self._grid(tensor.scales, zero_point, name)
        stored = self.node("QuantizeLinear", [value, *grid], f"{name}/quantize")[0]
        return self.node("DequantizeLinear", [stored, *grid], f"{name}/dequantize")[0]

    def _in_32_bits(self, value: str, index: int) -> str:
        """The same for int32, which QuantizeLinear does not know: divide, round, cast."""
        from onnx import TensorProto

        tensor, name = self.tensors[index], self.name_of(index)
        assert tensor.scales is not None
        if tensor.zero_points is not None and np.any(tensor.zero_points):
            raise self.refused(index, "a zero point in 32 bits is not supported")
        scale = self._grid(tensor.scales, None, name)
        steps = self.node("Div", [value, *scale], f"{name}/steps")
        whole = self.node("Round", steps, f"{name}/round")
        stored = self.node("Cast", whole, f"{name}/quantize", to=TensorProto.INT32)
        return self.node("DequantizeLinear", [*stored, *scale], f"{name}/dequantize")[0]

    def refused(self, index: int, why: str, hint: str = "") -> Unsupported:
        """The error that refuses a tensor."""
        return Unsupported(why, f"{self.where}: tensor '{self.tensors[index].name}'", hint)

    def rename(self, value: str, name: str) -> None:
        """Give a value that only the last nodes know another name."""
        for node in reversed(self._nodes):
            node.input[:] = [name if old == value else old for old in node.input]
            if value in node.output:
                place = list(node.output).index(value)
                node.output[place] = name
                node.name = name if place == 0 else node.name
                return

    # ---- tensors ----------------------------------------------------------------------------

    def _add_input(self, index: int) -> None:
        from onnx import helper

        tensor, name = self.tensors[index], self.name_of(index)
        self._inputs.append(helper.make_tensor_value_info(name, self._type(index), tensor.shape))
        if tensor.quantized:
            name = self.quantized(name, index)
        self._values[index, False] = name

    def known_first(self, index: int) -> bool:
        """Whether a tensor is known with channels first."""
        return (index, True) in self._values

    def constant_of(self, index: int) -> Array | None:
        """The real values of a constant tensor, or its integers; None for what is computed."""
        tensor = self.tensors[index]
        if tensor.data is None or tensor.scales is None or tensor.zero_points is None:
            return tensor.data
        shape = [1] * len(tensor.shape)
        if tensor.scales.size > 1:
            shape[tensor.axis] = -1
        centred = tensor.data.astype(np.int64) - tensor.zero_points.reshape(shape or -1)
        return (centred * tensor.scales.astype(np.float64).reshape(shape or -1)).astype(np.float32)

    def read(self, index: int, first: bool = False) -> str:
        """The real values of a tensor, with channels first where that is asked for.

        Raises:
            ModelError: nothing has computed it.
        """
        known = self._values.get((index, first))
        if known is not None:
            return known
        if self.tensors[index].data is not None:
            value = self.weights(index, TO_FIRST if first else None)
        elif (index, not first) in self._values:
            perm = TO_FIRST if first else TO_PLAIN
            name = f"{self.name_of(index)}/{'nchw' if first else 'nhwc'}"
            value = self.node("Transpose", [self._values[index, not first]], name, perm=perm)[0]
        else:
            raise ModelError(
                f"tensor '{self.tensors[index].name}' is read before anything computes it",
                self.where,
                DAMAGED,
            )
        self._values[index, first] = value
        return value

    def weights(self, index: int, perm: tuple[int, ...] | None = None) -> str:
        """A tensor with its axes permuted; a constant is permuted now."""
        tensor, name = self.tensors[index], self.name_of(index)
        if tensor.data is None:
            value = self.read(index)
            if perm is None:
                return value
            return self.node("Transpose", [value], f"{name}/transposed", perm=perm)[0]
        data = tensor.data if perm is None else tensor.data.transpose(perm)
        if tensor.dtype == "float16":
            data = data.astype(np.float32)
        stored = self.constant_tensor(_integers(data, tensor.dtype), index)
        if tensor.scales is None or tensor.zero_points is None:
            return stored
        axis = tensor.axis if perm is None else perm.index(tensor.axis)
        zero_points = _integers(tensor.zero_points, tensor.dtype)
        zeros = None if tensor.dtype in ("int32", "int64") else zero_points
        return self.dequantized(stored, tensor.scales, zeros, f"{name}/dequantize", axis)

    def write(self, index: int, value: str, first: bool = False, view_of: int = -1) -> None:
        """Say which value a tensor is; it is quantised as the tensor is.

        Args:
            index: the tensor.
            value: its real values.
            first: whether they have channels first.
            view_of: the tensor whose bytes these are, so that the same grid needs no second
                quantising.
        """
        tensor = self.tensors[index]
        again = view_of >= 0 and tensor.same_grid(self.tensors[view_of])
        if tensor.quantized and not again:
            value = self.quantized(value, index)
        self._values[index, first] = value

    # ---- state ------------------------------------------------------------------------------

    def state_in(self, index: int, name: str = "", initial: Array | None = None) -> str:
        """The real values that a tensor has kept from the run before, on its own grid.

        Args:
            index: the tensor, such as a variable one; it says shape, type and grid.
            name: of the state, where it is not the tensor's; unique.
            initial: stored values of a fresh run; else the tensor's own, else real zero.
        """
        if index not in self._states:
            self._states[index] = self._state(index, name or self.name_of(index), initial)
        return self._states[index].value

    def _state(self, index: int, name: str, initial: Array | None) -> _State:
        from onnx import helper

        tensor = self.tensors[index]
        stored = tensor.data if initial is None else initial
        if stored is not None and stored.shape != tensor.shape:
            raise self.refused(index, f"begins as {list(stored.shape)}", DAMAGED)
        kind = helper.tensor_dtype_to_np_dtype(self._type(index))
        begin = np.zeros(tensor.shape, kind) if stored is None else stored.astype(kind)
        if tensor.quantized and stored is not None:
            assert tensor.zero_points is not None and tensor.scales is not None
            centred = stored.astype(np.int64) - tensor.zero_points
            begin = centred.astype(np.float32) * tensor.scales
        self._initializer(begin, name)
        self._inputs.append(helper.make_tensor_value_info(name, self._type(index), tensor.shape))
        if not tensor.quantized:
            return _State(name, name)
        value = self.quantized(name, index, name)
        if name != self.name_of(index) and not {(index, False), (index, True)} & set(self._values):
            self.rename(value, self.name_of(index))
            value = self.name_of(index)
        return _State(name, value)

    def state_out(self, index: int, value: str) -> None:
        """Say which real values a tensor keeps for the next run; the last word counts."""
        self.state_in(index)
        state = self._states[index]
        after = f"{state.name}/next"
        if self.tensors[index].quantized:
            value = self.quantized(value, index, after)
        state.after = self.node("Identity", [value], after)[0]

    def resource(self, name: str) -> Resource:
        """A variable by its name."""
        return self._resources.setdefault(name, Resource(name))

    def once(self, number: int) -> Contents:
        """A graph of the file that CALL_ONCE runs.

        Raises:
            ModelError: it is not there.
        """
        if number not in self._contents.once:
            raise ModelError(f"graph {number} is not there", self.where, DAMAGED)
        return self._contents.once[number]

    # ---- the end ----------------------------------------------------------------------------

    def model(self, metadata: dict[str, str]) -> onnx.ModelProto:
        """The finished model."""
        from onnx import helper

        used: set[str] = set()
        outputs = [
            helper.make_tensor_value_info(self._output(index, used), self._type(index), None)
            for index in self._contents.outputs
        ]
        for index, state in self._states.items():
            if not state.after:
                self.state_out(index, state.value)
            outputs.append(helper.make_tensor_value_info(state.after, self._type(index), None))
        if self._states:
            pairs = [[state.name, state.after] for state in self._states.values()]
            metadata = {**metadata, STATES: json.dumps(pairs)}
        graph = helper.make_graph(
            self._nodes,
            "main",
            self._inputs,
            outputs,
            list(self._initializers.values()),
        )
        opset = [helper.make_opsetid("", OPSET)]
        proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        helper.set_model_props(proto, metadata)
        return proto

    def _type(self, index: int) -> int:
        """The ONNX type of a tensor's values."""
        from onnx import helper

        tensor = self.tensors[index]
        try:
            kind = np.dtype("float32" if tensor.quantized else tensor.dtype)
        except TypeError:
            raise self.refused(index, f"type {tensor.dtype} is not supported") from None
        return int(helper.np_dtype_to_tensor_dtype(kind))

    def _output(self, index: int, used: set[str]) -> str:
        """The graph output of a tensor under the tensor's name, in TFLite's order of axes."""
        value, name = self.read(index), self.name_of(index)
        sources = {info.name for info in self._inputs} | set(self._initializers)
        if value in sources | used or name in sources:
            value = self.node("Identity", [value], f"{name}/output")[0]
        elif value != name:
            self._swap_names(value, name)
            value = name
        used.add(value)
        return value

    def _swap_names(self, value: str, name: str) -> None:
        """Give a value a name; what has that name now gets another."""
        swapped = {value: name, name: self.unique(f"{name}/real")}
        for node in self._nodes:
            node.name = swapped.get(node.name, node.name)
            for names in (node.input, node.output):
                names[:] = [swapped.get(old, old) for old in names]
        self._values = {key: swapped.get(old, old) for key, old in self._values.items()}


def _integers(values: Array, dtype: str) -> Array:
    """Values in the numpy type that becomes the ONNX type."""
    if dtype != "int4":
        return values if dtype == "float16" else values.astype(dtype)
    import ml_dtypes

    return values.astype(ml_dtypes.int4)
