"""What the body of a Scan says: a time step of a quantised recurrent layer, in QDQ form."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler.operand import Array, Const, Quant
from studio.errors import Unsupported

if TYPE_CHECKING:
    import onnx_ir

FUNCTIONS = ("Gemm", "Add", "Sub", "Mul", "Sigmoid", "Tanh")
HINT = "a body is lowered where each of its operations reads and gives integers"


@dataclass(frozen=True)
class Step:
    """One operation with the rounding of its result.

    Attributes:
        kind: ONNX operator.
        out: the vector that it computes.
        inputs: the vectors that it reads.
        constants: weights [outputs, inputs] and bias of a Gemm.
        clamp: real bounds of the result.
    """

    kind: str
    out: str
    inputs: tuple[str, ...]
    constants: tuple[Const, ...] = ()
    clamp: tuple[float, float] = (-math.inf, math.inf)


@dataclass
class Body:
    """A time step.

    Attributes:
        states: vectors that stand for the states when the step begins.
        x: the vector that stands for the input.
        afters: the next states.
        outputs: what is put out at each step.
        steps: in order.
        quants: how each vector is stored, but for x.
        sizes: elements of each vector that is computed, and of the states.
    """

    states: list[str] = field(default_factory=list)
    x: str = ""
    afters: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    quants: dict[str, Quant] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    x_quant: Quant | None = None


def read(graph: onnx_ir.Graph, where: str) -> Body:
    """The step that a graph of states and one input describes.

    Raises:
        Unsupported: it is no step of a quantised recurrent layer.
    """
    return _Reader(graph, where).body


class _Reader:
    def __init__(self, graph: onnx_ir.Graph, where: str) -> None:
        self.where = where
        self.body = Body()
        self._stored: dict[str, str] = {}  # values that are a vector in integers
        self._real: dict[str, str] = {}  # values that are a vector's real numbers
        self._raw: dict[str, Step] = {}  # results that nothing has rounded yet
        self._constants: dict[str, Const] = {}
        *states, x = [_name(value) for value in graph.inputs]
        self._stored = {name: name for name in (*states, x)}
        self.body.states, self.body.x = states, x
        for value in graph.inputs:
            self.body.sizes[_name(value)] = self._size(value)
        for node in graph:
            self._read(node)
        found = [self._vector(_name(value)) for value in graph.outputs]
        self.body.afters, self.body.outputs = found[: len(states)], found[len(states) :]
        for vector in (*states, *found):
            if vector not in self.body.quants:
                raise self.refused(f"nothing says what the integers of '{vector}' mean")

    def refused(self, why: str) -> Unsupported:
        return Unsupported(f"Scan: {why}", self.where, HINT)

    def _size(self, value: onnx_ir.Value) -> int:
        if value.shape is None or not value.shape.is_static() or len(value.shape) != 2:
            raise self.refused(f"'{value.name}' is no static matrix of batch and elements")
        return int(value.shape.numpy()[1])

    def _vector(self, name: str) -> str:
        if name not in self._stored:
            raise self.refused(f"its output '{name}' is not in integers")
        return self._stored[name]

    def _read(self, node: onnx_ir.Node) -> None:
        inputs = [value for value in node.inputs if value is not None]
        out = _name(node.outputs[0])
        if node.op_type == "Identity" and _name(inputs[0]) in self._stored:
            self._stored[out] = self._stored[_name(inputs[0])]
        elif node.op_type == "DequantizeLinear":
            self._dequantized(node, inputs, out)
        elif node.op_type == "QuantizeLinear":
            self._rounded(inputs, out, node.outputs[0])
        elif node.op_type == "Clip" and _name(inputs[0]) in self._raw:
            step = self._raw[_name(inputs[0])]
            bounds = (self._bound(node, 1, -math.inf), self._bound(node, 2, math.inf))
            self._raw[out] = Step(step.kind, out, step.inputs, step.constants, bounds)
        elif node.op_type in FUNCTIONS:
            self._raw[out] = self._computed(node, inputs, out)
        else:
            raise self.refused(f"operator {node.op_type} in its body")

    def _bound(self, node: onnx_ir.Node, index: int, absent: float) -> float:
        value = node.inputs[index] if index < len(node.inputs) else None
        return absent if value is None else float(self._constant(value).real.reshape(-1)[0])

    def _constant(self, value: onnx_ir.Value) -> Const:
        name = _name(value)
        if name not in self._constants:
            if value.const_value is None:
                raise self.refused(f"'{name}' is computed at run time")
            self._constants[name] = Const.of(name, value.const_value.numpy())
        return self._constants[name]

    def _quant(self, grid: list[onnx_ir.Value], dtype: str) -> Quant:
        scale = self._constant(grid[0]).stored
        zero = self._constant(grid[1]).stored if len(grid) > 1 else np.zeros((), dtype)
        stored = str(zero.dtype)
        if scale.size != 1 or stored not in ("int8", "int16") or (stored == "int16" and zero.any()):
            raise self.refused(f"values of {stored} with {scale.size} scales and zero point {zero}")
        return Quant(float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]), stored)

    def _quant_of_input(self, grid: list[onnx_ir.Value]) -> Quant:
        """How the body reads its input, uint8 as int8."""
        scale = self._constant(grid[0]).stored
        zero = self._constant(grid[1]).stored if len(grid) > 1 else np.zeros((), np.uint8)
        if scale.size != 1 or str(zero.dtype) not in ("int8", "uint8"):
            raise self.refused(f"an input of {zero.dtype} with {scale.size} scales")
        shift = 128 if zero.dtype == np.uint8 else 0
        return Quant(float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]) - shift, "int8")

    def _dequantized(self, node: onnx_ir.Node, inputs: list[onnx_ir.Value], out: str) -> None:
        source, *grid = inputs
        if _name(source) not in self._stored:
            stored = self._constant(source)
            scale = self._constant(grid[0]).stored
            zero = self._constant(grid[1]).stored if len(grid) > 1 else None
            axis = node.attributes.get_int("axis", 1)
            self._constants[out] = Const(out, stored.stored, scale, zero, axis, stored.bits)
            return
        vector = self._stored[_name(source)]
        self._real[out] = vector
        if vector == self.body.x:
            self.body.x_quant = self._quant_of_input(grid)
            return
        quant = self._quant(grid, "int16")
        if self.body.quants.setdefault(vector, quant) != quant:
            raise self.refused(f"'{vector}' is read under two scales")

    def _rounded(self, inputs: list[onnx_ir.Value], out: str, value: onnx_ir.Value) -> None:
        step = self._raw.get(_name(inputs[0]))
        if step is None:
            raise self.refused(f"'{_name(inputs[0])}' is not computed by one operation")
        self.body.steps.append(Step(step.kind, out, step.inputs, step.constants, step.clamp))
        self.body.quants[out] = self._quant(inputs[1:], "uint8")
        self.body.sizes[out] = self._size(value)
        self._stored[out] = out

    def _computed(self, node: onnx_ir.Node, inputs: list[onnx_ir.Value], out: str) -> Step:
        vectors, constants = inputs, inputs[:0]
        if node.op_type == "Gemm":
            vectors, constants = inputs[:1], inputs[1:]
        for value in vectors:
            if _name(value) not in self._real:
                raise self.refused(f"'{_name(value)}' is no value in integers")
        known = [self._constant(value) for value in constants]
        if node.op_type == "Gemm":
            known = self._of_gemm(node, known)
        read = tuple(self._real[_name(value)] for value in vectors)
        return Step(node.op_type, out, read, tuple(known))

    def _of_gemm(self, node: onnx_ir.Node, known: list[Const]) -> list[Const]:
        wanted = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
        for key, usual in {**wanted, "transB": 0}.items():
            attribute = node.attributes.get(key)
            value = usual if attribute is None else attribute.value
            if value != wanted[key]:
                raise self.refused(f"a Gemm with {key} {value}")
        if known[0].centred() is None or known[0].scales(0) is None:
            raise self.refused("a Gemm whose weights are not of 8 bits with a scale for each row")
        return known


def _name(value: onnx_ir.Value) -> str:
    assert value.name is not None
    return value.name


def weights_of(step: Step) -> Array:
    """The weights of a Gemm, int8 [outputs, inputs]."""
    weights = step.constants[0].centred()
    assert weights is not None
    return weights
