"""Write a graph anew so that a run takes the new rows and finds the others in states."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compression.constants import constant, drop_unused
from studio.compression.time_rows import (
    Course,
    Demand,
    Passage,
    Rows,
    demands,
    depths,
    origin_of,
    padding,
    shape_of,
)
from studio.errors import RecipeError
from studio.model.model import STATES

if TYPE_CHECKING:
    import onnx_ir

_SAME_NUMBERS = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Identity", "MaxPool"}
)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Scale and zero point under which a value is stored."""

    parameters: list[onnx_ir.Value]
    dtype: onnx_ir.DataType


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last rows of a value; as integers too where they are on a grid."""

    real: onnx_ir.Value
    stored: onnx_ir.Value | None


class Writer:
    """One rewriting of one graph, in place.

    Rows that an operator needs beyond the new ones lie in a state: as many as the furthest
    reaching of the value's readers wants, the new ones among them. They move on by as many as
    come new, which is one shift in place in C.
    """

    def __init__(self, ir: onnx_ir.Model, course: Course, hop: int, plain: bool) -> None:
        self.ir, self.graph = ir, ir.graph
        self.course, self.hop, self.plain = course, hop, plain
        self.kept: dict[onnx_ir.Value, _Kept] = {}
        self.pairs: list[tuple[str, str]] = []
        self.report: dict[str, str] = {}
        self.place: onnx_ir.Node | None = None
        self.taken = {value.name for node in self.graph for value in node.outputs}
        self.taken |= {*self.graph.initializers, *(value.name for value in self.graph.inputs)}
        self.demands = demands(self.graph, course, hop)
        self.depth = depths(self.graph, course, self.demands)

    def write(self) -> dict[str, str]:
        """Rewrite, and say what became of each layer."""
        for demand in self.demands:
            self.place = demand.node
            value = demand.node.inputs[demand.index]
            assert value is not None
            self._tell(demand, value)
            demand.node.replace_input_with(demand.index, self._last(value, demand))
        for node, passage in self.course.passages.items():
            self._without_padding(node, passage)
        self._whole_outputs()
        for value, rows in self.course.rows.items():
            value.shape = self._shape(value, rows, self._new(rows))
        self.ir.metadata_props[STATES] = json.dumps(self.pairs)
        drop_unused(self.graph)
        return self.report

    def _new(self, rows: Rows) -> int:
        return self.hop // rows.stride

    def _last(self, value: onnx_ir.Value, demand: Demand) -> onnx_ir.Value:
        """The rows of a value that are asked for, in front of who asks."""
        rows = self.course.rows[value]
        new, depth = self._new(rows), self.depth[origin_of(value)]
        if (demand.rows, demand.lag) == (new, 0):
            return value
        whole, length = value, max(depth, new)
        if depth > new:
            kept = self.kept.get(origin_of(value)) or self._keep(value, rows, depth)
            self.kept[origin_of(value)] = kept
            whole = kept.real if value.dtype == kept.real.dtype else (kept.stored or kept.real)
        if (demand.rows, demand.lag) == (length, 0):
            return whole
        stop = length - demand.lag
        name = f"{value.name}/part"
        return self._sliced(name, whole, self._shape(value, rows, demand.rows), rows, stop)

    def _keep(self, value: onnx_ir.Value, rows: Rows, depth: int) -> _Kept:
        """A state of a value's last rows, which the new ones join."""
        import onnx_ir

        name, grid, dtype = value.name, _grid(value), onnx_ir.DataType.FLOAT
        whole, older = (self._shape(value, rows, n) for n in (depth, depth - self._new(rows)))
        real = value
        if value.dtype != dtype:
            if grid is None:
                what = f"rows of '{name}' cannot be kept: they are integers without a scale"
                raise RecipeError(what, "stream_time", "stream a float net or one in QDQ form")
            stored = [value, *grid.parameters]
            real = self._node(f"{name}/real", "DequantizeLinear", stored, value.shape, dtype)
        order = self._stored_order(len(whole), rows.axis)
        before = self._constant(f"{name}/past", np.zeros([whole[a] for a in order], np.float32))
        self.graph.inputs.append(before)
        past = self._turned(self._on(grid, before)[1], _inverse(order), whole)
        past = self._sliced(f"{name}/older", past, older, rows, depth)
        kept = self._node(f"{name}/joined", "Concat", [past, real], whole, dtype, axis=rows.axis)
        stored_rows, kept = self._on(grid, kept)
        after = self._turned(kept, order, before.shape)
        self.graph.outputs.append(after)
        self.pairs.append((before.name or "", after.name or ""))
        return _Kept(kept, stored_rows)

    def _turned(self, value: onnx_ir.Value, order: list[int], shape: Any) -> onnx_ir.Value:
        """A value with its axes in another order; itself where it is none."""
        if order == sorted(order):
            return value
        name = f"{value.name}/turned"
        return self._node(name, "Transpose", [value], shape, value.dtype, perm=order)

    def _stored_order(self, rank: int, axis: int) -> list[int]:
        """The axes of a state in such an order that its rows lie one after the other in C.

        There three and four axes have the channels last, unless the model's inputs are plain.
        """
        whole = list(range(rank))
        if rank not in (3, 4) or (axis == 1) == self.plain:
            return whole
        return [0, *whole[2:], 1] if self.plain else [0, rank - 1, *whole[1:-1]]

    def _shape(self, value: onnx_ir.Value, rows: Rows, count: int) -> Any:
        import onnx_ir

        shape = list(shape_of(value))
        shape[rows.axis] = count * rows.size
        return onnx_ir.Shape(shape)

    def _on(
        self, grid: _Grid | None, value: onnx_ir.Value
    ) -> tuple[onnx_ir.Value | None, onnx_ir.Value]:
        """A float value as integers and back; itself where there is no grid."""
        if grid is None:
            return None, value
        name, inputs = f"{value.name}/stored", [value, *grid.parameters]
        stored = self._node(name, "QuantizeLinear", inputs, value.shape, grid.dtype)
        name, inputs = f"{value.name}/real", [stored, *grid.parameters]
        return stored, self._node(name, "DequantizeLinear", inputs, value.shape, value.dtype)

    def _sliced(
        self, name: str, whole: onnx_ir.Value, shape: Any, rows: Rows, stop: int
    ) -> onnx_ir.Value:
        """The rows that end before `stop`, as many as the shape has."""
        end = stop * rows.size
        bounds = {"start": end - shape[rows.axis], "stop": end, "axis": rows.axis}
        ends = [
            self._constant(f"{name}/{key}", np.array([number], np.int64))
            for key, number in bounds.items()
        ]
        return self._node(name, "Slice", [whole, *ends], shape, whole.dtype)

    def _constant(self, name: str, array: Any) -> onnx_ir.Value:
        import onnx_ir

        name = self._unused(name)
        value = onnx_ir.val(name, const_value=onnx_ir.Tensor(array, name=name))
        self.graph.register_initializer(value)
        return value

    def _node(
        self, name: str, op_type: str, inputs: list[Any], shape: Any, dtype: Any, **attributes: Any
    ) -> onnx_ir.Value:
        """The value of a new node, in front of the one that is being written."""
        import onnx_ir

        name = self._unused(name)
        out = onnx_ir.val(name, dtype, shape)
        node = onnx_ir.node(op_type, inputs, attributes, outputs=[out], name=name)
        if self.place is None:
            self.graph.append(node)
        else:
            self.graph.insert_before(self.place, node)
        return out

    def _unused(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def _tell(self, demand: Demand, value: onnx_ir.Value) -> None:
        """Report what a node takes from the past."""
        rows, node = self.course.rows[value], demand.node
        passage, new = self.course.passages.get(node), self._new(rows)
        if passage is None:
            late = rows.late * rows.stride - self.course.source.late
            behind = f", late by {late}" if late else ""
            self.report[node.name or ""] = f"sees the last {demand.rows} rows, {new} new{behind}"
        elif demand.rows + demand.lag > new or any(passage.zeros):
            said = f"takes {demand.rows} rows, {new} new"
            if any(passage.zeros):
                zeros = " + ".join(str(n) for n in passage.zeros)
                said += f"; real rows instead of {zeros} rows of zeros"
            self.report[node.name or ""] = said

    def _without_padding(self, node: onnx_ir.Node, passage: Passage) -> None:
        """Write what depends on how many rows there are."""
        import onnx_ir

        axis = passage.rows.axis
        if node.op_type in ("Conv", "MaxPool", "AveragePool"):
            pads = [(0, 0) if i == axis - 2 else p for i, p in enumerate(padding(node))]
            flat = [p for p, _ in pads] + [p for _, p in pads]
            for key in ("auto_pad", "ceil_mode"):
                node.attributes.pop(key, None)
            node.attributes["pads"] = onnx_ir.AttrInt64s("pads", flat)
        elif node.op_type == "Reshape":
            shape = self._shape(node.outputs[0], passage.rows, self._new(passage.rows))
            sizes = np.array([int(n) for n in shape.numpy()], np.int64)
            node.replace_input_with(1, self._constant(f"{node.name}/shape", sizes))
        elif node.op_type == "Pad":
            amounts = np.array(constant(node.inputs[1]))
            amounts[[axis, len(amounts) // 2 + axis]] = 0
            node.replace_input_with(1, self._constant(f"{node.name}/pads", amounts))
        elif node.op_type == "Slice":
            self._all_rows(node, axis)

    def _all_rows(self, node: onnx_ir.Node, axis: int) -> None:
        """Let a Slice take all of an axis."""
        rank = len(shape_of(node.outputs[0]))
        starts, ends, axes = (np.array(constant(value)) for value in node.inputs[1:4])
        chosen = axes % rank == axis
        starts[chosen], ends[chosen] = 0, np.iinfo(ends.dtype).max
        node.replace_input_with(1, self._constant(f"{node.name}/starts", starts))
        node.replace_input_with(2, self._constant(f"{node.name}/ends", ends))

    def _whole_outputs(self) -> None:
        """Results that have rows are those of the whole window, as they were."""
        self.place = None
        for index, value in enumerate(tuple(self.graph.outputs)):
            rows = self.course.rows.get(value)
            if rows is None:
                continue
            name, value.name = value.name, self._unused(f"{value.name}/new")
            last = self._last(value, Demand(self.graph[-1], 0, rows.count, 0))
            whole = self._node(f"{name}/window", "Identity", [last], last.shape, last.dtype)
            whole.name = name
            self.graph.outputs[index] = whole


def _inverse(order: list[int]) -> list[int]:
    return [order.index(axis) for axis in range(len(order))]


def _grid(value: onnx_ir.Value) -> _Grid | None:
    """Under which scale all numbers of a value lie."""
    maker = value.producer()
    while maker is not None and maker.op_type in _SAME_NUMBERS and maker.inputs[0] is not None:
        maker = maker.inputs[0].producer()
    if maker is None or maker.op_type not in ("QuantizeLinear", "DequantizeLinear"):
        return None
    scale = constant(maker.inputs[1])
    stored = maker.inputs[0] if maker.op_type == "DequantizeLinear" else maker.outputs[0]
    zero = maker.inputs[2] if len(maker.inputs) > 2 else None
    if scale is None or scale.size != 1 or zero is None or stored is None or stored.dtype is None:
        return None
    assert maker.inputs[1] is not None
    return _Grid([maker.inputs[1], zero], stored.dtype)
