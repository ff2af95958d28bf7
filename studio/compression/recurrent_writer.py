"""Writing a recurrent layer as an ONNX Scan whose body is in QDQ form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression.constants import drop_unused
from studio.compression.qdq import BIAS_LIMIT, Grid, symmetric
from studio.compression.recurrent_cell import Cell, Operation
from studio.model import recurrent

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]


def write(
    graph: onnx_ir.Graph,
    node: onnx_ir.Node,
    cells: Sequence[Cell],
    scales: Sequence[Mapping[str, float]],
    grid: Grid,
) -> None:
    """Replace a recurrent node.

    Args:
        graph: changed in place.
        node: GRU, LSTM or RNN with time first.
        cells: one for each direction.
        scales: int16 scale of each value of each cell.
        grid: of the input where the graph does not quantise it yet.
    """
    out = _Writer(graph, node)
    stored, source = out.quantized_input(grid)
    direction = node.attributes.get_string("direction", "forward")
    backward = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    found = [
        out.scan(index, cell, scale, stored, source, turned)
        for index, (cell, scale, turned) in enumerate(zip(cells, scales, backward, strict=True))
    ]
    axes = (1, 0, 0)  # Y [time, direction, batch, hidden]; Y_h, Y_c [direction, batch, hidden]
    for old, axis, parts in zip(node.outputs, axes, zip(*found, strict=True), strict=False):
        out.replace(old, axis, list(parts))
    graph.remove(node, safe=True)
    drop_unused(graph)


@dataclass
class _Writer:
    """Adds initialisers and nodes around one recurrent node."""

    graph: onnx_ir.Graph
    node: onnx_ir.Node
    names: set[str | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        graph = self.graph
        self.names = {*graph.initializers, *(value.name for value in graph.inputs)}
        self.names |= {value.name for node in graph for value in node.outputs}

    def unused(self, name: str) -> str:
        """`name`, or the like of it, that nothing has; it is taken from now on."""
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def constant(self, role: str, array: Any) -> onnx_ir.Value:
        import onnx_ir

        name = self.unused(f"{self.node.name}.{role}")
        value = onnx_ir.val(name, const_value=onnx_ir.Tensor(np.asarray(array), name=name))
        self.graph.register_initializer(value)
        return value

    def made(
        self,
        op_type: str,
        inputs: Sequence[onnx_ir.Value],
        role: str,
        dtype: Any,
        shape: Sequence[int],
        attributes: Mapping[str, Any] | None = None,
    ) -> tuple[onnx_ir.Node, onnx_ir.Value]:
        """A node with one output, in no graph yet."""
        import onnx_ir

        name = self.unused(f"{self.node.name}/{role}")
        out = onnx_ir.val(name, onnx_ir.DataType.from_numpy(np.dtype(dtype)), tuple(shape))
        return onnx_ir.node(op_type, inputs, attributes or {}, outputs=[out], name=name), out

    def quantized_input(self, grid: Grid) -> tuple[onnx_ir.Value, list[onnx_ir.Value]]:
        """What the layer reads as integers, with their scale and zero point."""
        value = self.node.inputs[0]
        assert value is not None and value.shape is not None
        maker = value.producer()
        if maker is not None and maker.op_type == "DequantizeLinear":
            stored, *parameters = (v for v in maker.inputs if v is not None)
            return stored, parameters
        parameters = [
            self.constant("x.scale", grid.scale),
            self.constant("x.zero_point", grid.zero_point),
        ]
        shape = tuple(int(size) for size in value.shape.numpy())
        quantize, stored = self.made(
            "QuantizeLinear", [value, *parameters], "x/int8", np.int8, shape
        )
        self.graph.insert_before(self.node, quantize)
        return stored, parameters

    def scan(
        self,
        index: int,
        cell: Cell,
        scales: Mapping[str, float],
        stored: onnx_ir.Value,
        source: list[onnx_ir.Value],
        backward: bool,
    ) -> list[onnx_ir.Value]:
        """The Scan of one direction; returns all outputs and the last states, dequantised."""
        import onnx_ir

        assert stored.shape is not None
        time, batch, inputs = (int(size) for size in stored.shape.numpy())
        made = _in_integers(cell, scales, _form_of(stored, source))
        body = recurrent.Writer(self, self.node.name or "", f"{index}", made)
        graph = body.graph((batch, inputs), source)
        first = [
            self.constant(f"{index}.{name}.start", made.forms[name].stored(start))
            for name, _, start in cell.states
        ]
        hidden = cell.states[0][2].shape[-1]
        wide = onnx_ir.DataType.INT16
        last = [
            onnx_ir.val(self.unused(f"{self.node.name}/{index}/{name}_last"), wide, (batch, hidden))
            for name, _, _ in cell.states
        ]
        every = onnx_ir.val(
            self.unused(f"{self.node.name}/{index}/all"), wide, (time, batch, hidden)
        )
        attributes: dict[str, Any] = {
            "body": graph,
            "num_scan_inputs": 1,
            "scan_input_directions": [int(backward)],
            "scan_output_directions": [int(backward)],
        }
        name = self.node.name if index == 0 else f"{self.node.name}/{index}"
        scan = onnx_ir.node("Scan", [*first, stored], attributes, outputs=[*last, every], name=name)
        self.graph.insert_before(self.node, scan)
        values = [(every, cell.output), *zip(last, (s for s, _, _ in cell.states), strict=True)]
        return [self.real(value, body.grid(of)[0]) for value, of in values]

    def real(self, stored: onnx_ir.Value, scale: onnx_ir.Value) -> onnx_ir.Value:
        assert stored.shape is not None
        shape = [int(size) for size in stored.shape.numpy()]
        role = f"{stored.name}/real".removeprefix(f"{self.node.name}/")
        node, out = self.made("DequantizeLinear", [stored, scale], role, np.float32, shape)
        self.graph.insert_before(self.node, node)
        return out

    def replace(self, old: onnx_ir.Value, axis: int, parts: list[onnx_ir.Value]) -> None:
        """Put results in the place of an output, directions side by side."""
        if not old.name or not (old.uses() or old.is_graph_output()):
            return
        axes = self.constant(f"{old.name}.axis", np.array([axis], np.int64))
        turned = []
        for part in parts:
            assert part.shape is not None
            shape = [int(size) for size in part.shape.numpy()]
            shape.insert(axis, 1)
            node, out = self.made("Unsqueeze", [part, axes], f"{part.name}/lifted", "f4", shape)
            self.graph.insert_before(self.node, node)
            turned.append(out)
        result = turned[0]
        if len(turned) > 1:
            shape[axis] = len(turned)
            node, result = self.made(
                "Concat", turned, f"{old.name}/joined", "f4", shape, {"axis": axis}
            )
            self.graph.insert_before(self.node, node)
        name, old.name = old.name, None
        old.replace_all_uses_with(result, replace_graph_outputs=True)
        result.name = name


def _form_of(stored: onnx_ir.Value, grid: Sequence[onnx_ir.Value]) -> recurrent.Form:
    """How the layer's input is stored."""
    numbers = [value.const_value.numpy() for value in grid if value.const_value is not None]
    zero_point = int(numbers[1]) if len(numbers) > 1 else 0
    assert stored.dtype is not None
    return recurrent.Form(float(numbers[0]), zero_point, str(stored.dtype.numpy()))


def _in_integers(cell: Cell, scales: Mapping[str, float], x: recurrent.Form) -> recurrent.Body:
    """The cell with int16 values and int8 weights."""
    forms = {name: recurrent.Form(scale) for name, scale in scales.items()}
    forms["x"] = x
    return recurrent.Body(
        tuple(
            recurrent.Operation(
                operation.kind,
                operation.out,
                operation.inputs,
                _product(operation, forms[operation.inputs[0]].scale),
            )
            for operation in cell.operations
        ),
        tuple((name, after) for name, after, _ in cell.states),
        cell.output,
        forms,
        cell.states[0][2].shape,
    )


def _product(operation: Operation, step: float) -> recurrent.Product | None:
    """int8 weights and int32 bias of a Gemm whose input has the scale `step`."""
    if operation.weight is None or operation.bias is None:
        return None
    stored, scale = symmetric(operation.weight, 0, np.abs(operation.bias) / step / BIAS_LIMIT)
    bias = np.rint(operation.bias / (step * scale)).astype(np.int32)
    return recurrent.Product(stored, scale, bias)
