"""Standard QDQ form: which values of a float graph become integers, and the nodes that say so.

Activations are asymmetric int8 or symmetric int16, one scale for a tensor; weights symmetric
int8 or int4; biases int32 (int64 where int16 activations need it) with the scale s_x * s_w:
the scheme of TFLite, arXiv 1712.05877. A value keeps its name behind its DequantizeLinear, so
that float and quantised models compare by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression.constants import drop_unused, real

if TYPE_CHECKING:
    import onnx_ir

Range = tuple[float, float]
Array = npt.NDArray[Any]

_LAYERS = ("Conv", "Gemm")
_FUSING = ("Conv", "Gemm", "MatMul", "BatchNormalization", "Add", "Mul")
_ACTIVATIONS = ("Relu", "Clip")
_COPYING = {"MaxPool", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Pad", "Concat"}
_SAME_SCALE = _COPYING | {"AveragePool", *_ACTIVATIONS}
_OWN_SCALE = {*_FUSING, "GlobalAveragePool", "ReduceMean", "Softmax", "Sigmoid", "Tanh"}
BIAS_LIMIT = 2**30  # leaves int32 room for a correction


@dataclass(frozen=True, slots=True)
class Grid:
    """The integers of a range: real = scale * (stored - zero_point)."""

    scale: np.float32
    zero_point: np.int8 | np.int16

    @classmethod
    def over(cls, lo: float, hi: float) -> Grid:
        """The grid that spans [lo, hi] and zero with 256 values."""
        lo, hi = min(lo, 0.0), max(hi, 0.0)
        scale = (hi - lo) / 255 if hi - lo > 1e-12 else 1 / 255
        zero_point = np.clip(np.rint(-128 - lo / scale), -128, 127)
        return cls(np.float32(scale), np.int8(zero_point))

    @classmethod
    def symmetric(cls, lo: float, hi: float) -> Grid:
        """The int16 grid that spans [-max(|lo|, |hi|), max(|lo|, |hi|)] with 65 535 values."""
        limit = max(abs(lo), abs(hi))
        return cls(np.float32((limit if limit > 1e-12 else 1.0) / 32767), np.int16(0))


@dataclass(frozen=True, slots=True)
class Activations:
    """How activations become integers.

    Attributes:
        over: the grid of a range.
        fixed: ranges of operators whose results fill a known interval.
    """

    over: Callable[[float, float], Grid]
    fixed: Mapping[str, Range]


# The fixed ranges give scale 1/256, zero point -128 and 1/128, 0; for int16 1/32768, 0.
INT8 = Activations(
    Grid.over,
    {"Softmax": (0.0, 255 / 256), "Sigmoid": (0.0, 255 / 256), "Tanh": (-1.0, 127 / 128)},
)
INT16 = Activations(
    Grid.symmetric, dict.fromkeys(("Softmax", "Sigmoid", "Tanh"), (0.0, 32767 / 32768))
)


@dataclass
class Plan:
    """What of a graph becomes integers.

    Attributes:
        nodes: those that compute on integers, in order (the values mean nothing).
        group: for each quantised value the value whose scale it shares.
        fused: values between a layer and its activation, which stay unquantised.
        padding: constants that a group's range must hold.
    """

    nodes: dict[onnx_ir.Node, None] = field(default_factory=dict)
    group: dict[onnx_ir.Value, onnx_ir.Value] = field(default_factory=dict)
    fused: set[onnx_ir.Value] = field(default_factory=set)
    padding: dict[onnx_ir.Value, list[float]] = field(default_factory=dict)

    def root(self, value: onnx_ir.Value) -> onnx_ir.Value:
        """The representative of the values that share a scale with `value`."""
        while self.group[value] is not value:
            value = self.group[value]
        return value

    def join(self, a: onnx_ir.Value, b: onnx_ir.Value) -> None:
        """Let two values share one scale."""
        root, other = self.root(a), self.root(b)
        self.group[other] = root
        self.padding[root] = self.padding.pop(root, []) + self.padding.pop(other, [])

    def sources(self) -> Iterator[onnx_ir.Value]:
        """The values whose ranges decide: those that are not copies of others."""
        for value in self.group:
            node = value.producer()
            if node is None or node not in self.nodes or not _shares_scale(self, node):
                yield value

    def measured(self) -> tuple[str, ...]:
        """Names of the values whose ranges calibration must find."""
        return tuple(v.name or "" for v in self.sources() if _maker(v) not in INT8.fixed)

    def grids(
        self, range_of: Callable[[str], Range], form: Activations = INT8
    ) -> dict[onnx_ir.Value, Grid]:
        """A grid for each quantised value from the ranges of the measured ones."""
        spans: dict[onnx_ir.Value, list[float]] = {}
        for value in self.sources():
            limits = form.fixed.get(_maker(value)) or range_of(value.name or "")
            spans.setdefault(self.root(value), []).extend(limits)
        for root, constants in self.padding.items():
            spans[root] += constants
        grids = {root: form.over(min(span), max(span)) for root, span in spans.items()}
        return {value: grids[self.root(value)] for value in self.group}


def plan(graph: onnx_ir.Graph) -> Plan:
    """Decide which values of a float graph become integers."""
    result = Plan()
    for node in graph:
        if not _quantizable(node):
            continue
        result.nodes[node] = None
        out = node.outputs[0]
        operands = [v for v in _operands(node) if v.const_value is None and v not in result.fused]
        for value in operands:
            result.group.setdefault(value, value)
        if _fuses(node):
            result.fused.add(out)
            continue
        result.group.setdefault(out, out)
        if _shares_scale(result, node):
            for value in operands:
                result.join(value, out)
            result.padding.setdefault(result.root(out), []).extend(_inserted_constants(node))
    return result


def layers(nodes: Iterable[onnx_ir.Node]) -> list[onnx_ir.Node]:
    """The nodes with int8 weights and an int32 bias."""
    return [node for node in nodes if node.op_type in _LAYERS]


def channel_axis(node: onnx_ir.Node) -> int:
    """The axis of a layer's output that holds its channels."""
    return 1 if node.op_type == "Conv" else -1


def insert(
    graph: onnx_ir.Graph,
    plan: Plan,
    grids: Mapping[onnx_ir.Value, Grid],
    per_channel: bool,
) -> None:
    """Write the QDQ form of a plan into its graph."""
    writer = _Writer(graph, plan, grids, per_channel)
    for node in plan.nodes:
        operands = _operands(node)
        if node.op_type in _LAYERS:
            writer.layer(node)
        for index, value in enumerate(node.inputs):
            if value is None or value.const_value is None or value not in operands:
                continue
            if node.op_type == "Concat":
                writer.joined(node, index)
            elif node.op_type == "MatMul":
                writer.matrix(node, index)
            else:
                writer.constant(node, index)
    for value in plan.group:
        writer.activation(value)
    drop_unused(graph)


def _quantizable(node: onnx_ir.Node) -> bool:
    import onnx_ir

    if node.domain not in ("", "ai.onnx") or node.op_type not in _OWN_SCALE | _SAME_SCALE:
        return False
    if node.outputs[0].dtype != onnx_ir.DataType.FLOAT:
        return False
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        return False
    if node.op_type in _LAYERS:
        constant = all(v is None or v.const_value is not None for v in node.inputs[1:])
        return constant and not node.attributes.get_int("transA", 0)
    if not np.isfinite(_inserted_constants(node)).all():
        return False  # padding with -infinity has no int8
    return any(value.const_value is None for value in _operands(node))


def _operands(node: onnx_ir.Node) -> list[onnx_ir.Value]:
    """The inputs that carry activations (or a constant in the place of one)."""
    count = {"Add": 2, "Mul": 2, "MatMul": 2, "Concat": len(node.inputs)}.get(node.op_type, 1)
    return [value for value in node.inputs[:count] if value is not None]


def _fuses(node: onnx_ir.Node) -> bool:
    """Whether a node's only reader is an activation that becomes part of it."""
    value = node.outputs[0]
    uses = tuple(value.uses())
    if node.op_type not in _FUSING or len(uses) != 1 or value.is_graph_output():
        return False
    reader, index = uses[0]
    bounds = reader.inputs[1:]
    return (
        reader.op_type in _ACTIVATIONS
        and index == 0
        and all(bound is None or bound.const_value is not None for bound in bounds)
    )


def _shares_scale(plan: Plan, node: onnx_ir.Node) -> bool:
    return node.op_type in _SAME_SCALE and node.inputs[0] not in plan.fused


def _maker(value: onnx_ir.Value) -> str:
    """The type of the operator that computes a value; empty for an input."""
    node = value.producer()
    return node.op_type if node is not None else ""


def _inserted_constants(node: onnx_ir.Node) -> list[float]:
    """Numbers that a node puts beside those that it copies."""
    values = node.inputs[2:3] if node.op_type == "Pad" else ()
    values = node.inputs if node.op_type == "Concat" else values
    found: list[float] = []
    for value in values:
        if value is not None and value.const_value is not None:
            array = value.const_value.numpy()
            found += [float(array.min()), float(array.max())]
    return found


def symmetric(
    weight: Array, axis: int | None, floor: Array | float = 0.0, bits: int = 8
) -> tuple[Array, Array]:
    """Integer weights and their float32 scales.

    Args:
        weight: real values.
        axis: one scale for each index of this axis; None for one scale.
        floor: the smallest scale allowed.
        bits: 4, 8 or 16: values in [-7, 7], [-127, 127] or [-32767, 32767].

    Returns:
        Integers (int8 where they have 4 bits, until they are stored) and scales.
    """
    limit = 2 ** (bits - 1) - 1
    axes = None if axis is None else tuple(a for a in range(weight.ndim) if a != axis)
    scale = np.abs(weight).max(axis=axes) / limit
    # A channel 2^16 times smaller than the largest rounds to nothing in any accumulator.
    scale = np.maximum(np.maximum(scale, scale.max() * 2.0**-16), floor)
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    shape = [-1 if a == axis else 1 for a in range(weight.ndim)]
    stored = np.clip(np.rint(weight / scale.reshape(shape)), -limit, limit)
    return stored.astype(np.int16 if bits > 8 else np.int8), scale


def output_axis(node: onnx_ir.Node) -> int:
    """The axis of a layer's weights that holds its output channels."""
    return 0 if node.op_type == "Conv" or node.attributes.get_int("transB", False) else 1


class _Writer:
    """Adds initialisers and nodes to a graph under unused names."""

    def __init__(
        self,
        graph: onnx_ir.Graph,
        plan: Plan,
        grids: Mapping[onnx_ir.Value, Grid],
        per_channel: bool,
    ) -> None:
        self.graph = graph
        self.plan = plan
        self.grids = grids
        self.per_channel = per_channel
        self.written: dict[onnx_ir.Value, tuple[onnx_ir.Value, onnx_ir.Value]] = {}
        self.names: set[str | None] = {*graph.initializers, *(v.name for v in graph.inputs)}
        self.names |= {value.name for node in graph for value in node.outputs}

    def initializer(self, name: str, array: Any) -> onnx_ir.Value:
        import onnx_ir

        name = self.unused(name)
        value = onnx_ir.val(name, const_value=onnx_ir.Tensor(np.asarray(array), name=name))
        self.graph.register_initializer(value)
        return value

    def unused(self, name: str) -> str:
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def dequantized(
        self,
        node: onnx_ir.Node,
        index: int,
        role: str,
        stored: Array,
        scale: Array,
        axis: int | None,
    ) -> None:
        """Feed an input of a node from integers through a DequantizeLinear."""
        name = f"{node.name}.{role}"
        inputs = [self.initializer(name, stored), self.initializer(f"{name}.scale", scale)]
        self.dequantize_before(node, index, name, inputs, {} if axis is None else {"axis": axis})

    def dequantize_before(
        self,
        node: onnx_ir.Node,
        index: int,
        name: str,
        inputs: list[onnx_ir.Value],
        attributes: dict[str, Any],
    ) -> None:
        import onnx_ir

        out = onnx_ir.val(self.unused(f"{name}.real"), onnx_ir.DataType.FLOAT, inputs[0].shape)
        dequantize = onnx_ir.node(
            "DequantizeLinear", inputs, attributes, outputs=[out], name=f"{name}.dequantize"
        )
        self.graph.insert_before(node, dequantize)
        node.replace_input_with(index, out)

    def layer(self, node: onnx_ir.Node) -> None:
        """int8 weights and int32 bias of a Conv or Gemm."""
        source = self.grids[_operands(node)[0]]
        weight = real(node.inputs[1])
        bias = real(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
        axis = output_axis(node) if self.per_channel else None
        floor: Array | float = 0.0
        narrow = source.zero_point.dtype == np.int8
        if bias is not None and narrow:  # the bias must fit int32
            floor = np.abs(bias) / (float(source.scale) * BIAS_LIMIT)
            floor = floor if self.per_channel else float(floor.max())
        stored, scale = symmetric(weight, axis, floor)
        self.dequantized(node, 1, "weight", stored, scale, axis)
        if bias is None:
            return
        bias_scale = (source.scale * scale).astype(np.float32)
        steps = np.rint(bias / bias_scale)
        if narrow or np.abs(steps).max() <= BIAS_LIMIT:
            steps = steps.astype(np.int32)
            self.dequantized(node, 2, "bias", steps, bias_scale, None if axis is None else 0)
        else:
            self.wide_bias(node, steps.astype(np.int64), bias_scale)

    def wide_bias(self, node: onnx_ir.Node, steps: Array, scale: Array) -> None:
        """An int64 bias as Cast and Mul: DequantizeLinear does not take so wide an integer."""
        import onnx_ir

        name = f"{node.name}.bias"
        stored, factor = self.initializer(name, steps), self.initializer(f"{name}.scale", scale)
        shape, dtype = stored.shape, onnx_ir.DataType.FLOAT
        cast = onnx_ir.val(self.unused(f"{name}.cast"), dtype, shape)
        out = onnx_ir.val(self.unused(f"{name}.real"), dtype, shape)
        nodes = [
            onnx_ir.node("Cast", [stored], {"to": dtype}, outputs=[cast], name=f"{name}.cast"),
            onnx_ir.node("Mul", [cast, factor], outputs=[out], name=f"{name}.scaled"),
        ]
        self.graph.insert_before(node, nodes)
        node.replace_input_with(2, out)

    def wide(self, node: onnx_ir.Node) -> bool:
        """Whether a node reads int16."""
        grids = (self.grids.get(value) for value in node.inputs if value is not None)
        return any(grid is not None and grid.zero_point.dtype == np.int16 for grid in grids)

    def matrix(self, node: onnx_ir.Node, index: int) -> None:
        """int8 weights of a MatMul that is no Gemm; one scale for each column of the right side."""
        weight = real(node.inputs[index])
        axis = weight.ndim - 1 if self.per_channel and index == 1 and weight.ndim > 1 else None
        self.dequantized(node, index, "weight", *symmetric(weight, axis), axis)

    def constant(self, node: onnx_ir.Node, index: int) -> None:
        """A constant operand of Add or Mul, symmetric and as wide as the result."""
        wide = self.wide(node)
        stored, scale = symmetric(real(node.inputs[index]), None, bits=16 if wide else 8)
        self.dequantized(node, index, f"operand{index}", stored, scale, None)

    def joined(self, node: onnx_ir.Node, index: int) -> None:
        """A constant part of a Concat, on the grid of the result."""
        result = node.outputs[0]
        grid, name = self.grids[result], f"{node.name}.operand{index}"
        steps = np.rint(real(node.inputs[index]) / grid.scale) + grid.zero_point
        limits = np.iinfo(grid.zero_point.dtype)
        steps = np.clip(steps, limits.min, limits.max).astype(grid.zero_point.dtype)
        stored = self.initializer(name, steps)
        self.dequantize_before(node, index, name, [stored, *self.grid(result)], {})

    def activation(self, value: onnx_ir.Value) -> None:
        """QuantizeLinear and DequantizeLinear behind a value, for all who read it."""
        import onnx_ir

        name, uses = value.name or "", tuple(value.uses())
        producer, grid = value.producer(), self.grid(value)
        if producer is None:  # a graph input keeps its name, anything else passes it on
            restored = onnx_ir.val(self.unused(f"{name}/real"), value.dtype, value.shape)
        else:
            value.name = self.unused(f"{name}/raw")
            restored = onnx_ir.val(name, value.dtype, value.shape)
        dtype = self.grids[value].zero_point.dtype
        stored = onnx_ir.val(
            self.unused(f"{name}/{dtype}"), onnx_ir.DataType.from_numpy(dtype), value.shape
        )
        q = onnx_ir.node(
            "QuantizeLinear", [value, *grid], outputs=[stored], name=f"{name}/quantize"
        )
        dq = onnx_ir.node(
            "DequantizeLinear", [stored, *grid], outputs=[restored], name=f"{name}/dequantize"
        )
        if producer is None:
            self.graph.insert_before(self.graph[0], [q, dq])
        else:
            self.graph.insert_after(producer, [q, dq])
        for node, index in uses:
            node.replace_input_with(index, restored)
        for index, output in enumerate(self.graph.outputs):
            if output is value:
                self.graph.outputs[index] = restored

    def grid(self, value: onnx_ir.Value) -> list[onnx_ir.Value]:
        """Scale and zero point as initialisers, shared by the values of a group."""
        root = self.plan.root(value)
        if root not in self.written:
            name, grid = root.name or "", self.grids[value]
            scale = self.initializer(f"{name}/scale", grid.scale)
            self.written[root] = scale, self.initializer(f"{name}/zero_point", grid.zero_point)
        return list(self.written[root])
