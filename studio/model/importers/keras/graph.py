"""The ONNX graph under construction, seen by tensors of the Keras model.

Keras has channels last. A tensor may be known as it is ("plain"), with channels first as ONNX's
spatial operators want it, or both, joined by a Transpose; lowering stores either with channels
last, so those cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import ModelError
from studio.model.importers.keras.file import DAMAGED, Architecture, Tensor

if TYPE_CHECKING:
    import onnx

OPSET = 21
IR_VERSION = 10


def to_first(rank: int) -> list[int]:
    """The permutation from channels last to channels first."""
    return [0, rank - 1, *range(1, rank - 1)]


def to_plain(rank: int) -> list[int]:
    """The permutation back."""
    return [0, *range(2, rank), 1]


class Graph:
    """Nodes, initialisers, and the ONNX value and shape of every tensor that is known so far."""

    def __init__(self, architecture: Architecture, where: str) -> None:
        self.where = where
        self._outputs = architecture.outputs
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._types: dict[str, onnx.TypeProto] = {}
        self._values: dict[tuple[Tensor, bool], str] = {}
        self._taken = {call.layer.name for call in architecture.calls}
        self._given: set[str] = set()

    # ---- making -----------------------------------------------------------------------------

    def unique(self, name: str) -> str:
        """A name that nothing has yet."""
        chosen, number = name, 2
        while chosen in self._taken:
            chosen, number = f"{name}_{number}", number + 1
        self._taken.add(chosen)
        return chosen

    def constant(self, array: Any, name: str) -> str:
        """An initialiser."""
        from onnx import helper, numpy_helper

        name = self.unique(name)
        tensor = numpy_helper.from_array(np.asarray(array, order="C"), name)
        self._initializers[name] = tensor
        self._types[name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
        return name

    def node(
        self, op_type: str, inputs: list[str], name: str, outputs: int = 1, **attributes: Any
    ) -> list[str]:
        """Append a node; the shapes of its outputs are inferred at once."""
        from onnx import defs, helper, shape_inference

        names = [self.unique(name) for _ in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        node = helper.make_node(op_type, inputs, names, name=names[0], **attributes)
        used = [value for value in inputs if value]
        types = shape_inference.infer_node_outputs(
            defs.get_schema(op_type, OPSET, ""),
            node,
            {value: self._types[value] for value in used},
            {value: self._initializers[value] for value in used if value in self._initializers},
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        self._types |= {out: types[out] for out in names}
        self._nodes.append(node)
        return names

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of an ONNX value."""
        return tuple(dim.dim_value for dim in self._types[value].tensor_type.shape.dim)

    # ---- tensors ----------------------------------------------------------------------------

    def add_input(self, tensor: Tensor, shape: tuple[int, ...], dtype: str) -> None:
        """A graph input; its batch is 1."""
        from onnx import helper

        name = tensor[0]
        try:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        except TypeError:
            raise ModelError(
                f"input '{name}' is of type {dtype}",
                self.where,
                "save the model with float32 inputs",
            ) from None
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        self._types[name] = self._inputs[-1].type
        self._given.add(name)
        self._values[tensor, False] = name

    def knows(self, tensor: Tensor) -> bool:
        """Whether something has computed a tensor."""
        return (tensor, False) in self._values or (tensor, True) in self._values

    def known_first(self, tensor: Tensor) -> bool:
        """Whether a tensor is known with channels first."""
        return (tensor, True) in self._values

    def read(self, tensor: Tensor, first: bool = False) -> str:
        """The value of a tensor, with channels first where that is asked for."""
        known = self._values.get((tensor, first))
        if known is not None:
            return known
        other = self._values.get((tensor, not first))
        if other is None:
            raise ModelError(f"nothing computes {tensor}", self.where, DAMAGED)
        rank = len(self.shape(other))
        if rank < 3:
            return other
        perm = to_first(rank) if first else to_plain(rank)
        name = f"{tensor[0]}/{'first' if first else 'plain'}"
        value = self.node("Transpose", [other], name, perm=perm)[0]
        self._values[tensor, first] = value
        return value

    def write(self, tensor: Tensor, value: str, first: bool) -> None:
        """Say which value a tensor is; where it can be, it gets its layer's name."""
        name = tensor[0]
        if name not in self._given and self._nodes and self._nodes[-1].output[0] == value:
            self._given.add(name)
            self._nodes[-1].output[0] = self._nodes[-1].name = name
            self._types[name] = self._types.pop(value)
            value = name
        self._values[tensor, first] = value

    def model(self, metadata: dict[str, str]) -> onnx.ModelProto:
        """The finished model."""
        from onnx import helper

        names: list[str] = []
        for tensor in self._outputs:
            value = self.read(tensor)
            if value in names or any(value == given.name for given in self._inputs):
                value = self.node("Identity", [value], f"{tensor[0]}/output")[0]
            names.append(value)
        outputs = [
            helper.make_tensor_value_info(name, self._types[name].tensor_type.elem_type, None)
            for name in names
        ]
        graph = helper.make_graph(
            self._nodes, "main", self._inputs, outputs, list(self._initializers.values())
        )
        opset = [helper.make_opsetid("", OPSET)]
        proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        helper.set_model_props(proto, metadata)
        return proto
