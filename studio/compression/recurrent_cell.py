"""One time step of GRU, LSTM and RNN as elementary operations, gate by gate.

The same list is traced in numpy for ranges and written as an ONNX body for the quantised
net, so that the two cannot disagree about what a cell is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression.constants import constant, real
from studio.errors import RecipeError

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]

KINDS = ("GRU", "LSTM", "RNN")
_DEFAULTS = {"GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh"), "RNN": ("Tanh",)}


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a cell.

    Attributes:
        kind: ONNX operator: Gemm (with transposed weights), Add, Sub, Mul, Sigmoid, Tanh.
        out: the value that it computes.
        inputs: values that it reads.
        group: values of one group share a scale.
        weight: float64 [outputs, inputs] of a Gemm.
        bias: float64 [outputs] of a Gemm.
    """

    kind: str
    out: str
    inputs: tuple[str, ...]
    group: str = ""
    weight: Array | None = None
    bias: Array | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """A time step: reads x and its states, computes the next states.

    Attributes:
        operations: in order.
        states: for each state its name, the name of its next value and its start, [batch, hidden].
        output: the value that the layer puts out.
    """

    operations: tuple[Operation, ...]
    states: tuple[tuple[str, str, Array], ...]
    output: str

    def trace(self, x: Array) -> dict[str, float]:
        """The largest magnitude of each value over sequences [samples, time, inputs]."""
        largest: dict[str, float] = {"x": float(np.abs(x).max())}
        values: dict[str, Array] = {}
        for name, _, start in self.states:
            values[name] = np.repeat(start, len(x), axis=0)
            largest[name] = float(np.abs(start).max())
        for step in range(x.shape[1]):
            values["x"] = x[:, step]
            for operation in self.operations:
                found = _computed(operation, values)
                values[operation.out] = found
                peak = max(largest.get(operation.out, 0.0), float(np.abs(found).max()))
                largest[operation.out] = peak
            for name, after, _ in self.states:
                values[name] = values[after]
        return largest


def cells(node: onnx_ir.Node, step: str) -> list[Cell]:
    """The cell of each direction of a recurrent node.

    Raises:
        RecipeError: a form of it that is not quantised.
    """
    _refuse_odd_forms(node, step)
    weight, recurrent = real(node.inputs[1]), real(node.inputs[2])
    given = [*node.inputs, *[None] * 8]
    bias = np.zeros((len(weight), 2 * weight.shape[1])) if given[3] is None else real(given[3])
    hidden = recurrent.shape[2]
    starts = [
        np.zeros((len(weight), 1, hidden)) if value is None else real(value) for value in given[5:7]
    ]
    after_reset = bool(node.attributes.get_int("linear_before_reset", False))
    found = []
    for index in range(len(weight)):
        gates = _Gates(weight[index], recurrent[index], bias[index], hidden)
        first = [start[index] for start in starts]
        if node.op_type == "GRU":
            found.append(_gru(gates, first[0], after_reset))
        else:
            found.append((_lstm if node.op_type == "LSTM" else _rnn)(gates, first))
    return found


@dataclass(frozen=True, eq=False)
class _Gates:
    weight: Array
    recurrent: Array
    bias: Array
    hidden: int

    def of_x(self, gate: int, name: str, with_recurrent_bias: bool = True) -> Operation:
        part = slice(gate * self.hidden, (gate + 1) * self.hidden)
        ours, theirs = np.split(self.bias, 2)
        bias = ours[part] + (theirs[part] if with_recurrent_bias else 0.0)
        return Operation("Gemm", f"{name}_x", ("x",), f"{name}_sum", self.weight[part], bias)

    def of_h(self, gate: int, name: str, source: str = "h", with_bias: bool = False) -> Operation:
        part = slice(gate * self.hidden, (gate + 1) * self.hidden)
        bias = np.split(self.bias, 2)[1][part] * with_bias
        return Operation("Gemm", f"{name}_h", (source,), f"{name}_sum", self.recurrent[part], bias)

    def gate(self, gate: int, name: str, function: str, source: str = "h") -> list[Operation]:
        """function(W x + R h + b)."""
        return [
            self.of_x(gate, name),
            self.of_h(gate, name, source),
            Operation("Add", f"{name}_sum", (f"{name}_x", f"{name}_h")),
            Operation(function, name, (f"{name}_sum",)),
        ]


def _gru(gates: _Gates, start: Array, after_reset: bool) -> Cell:
    """The next h is n + z (h - n); the reset gate acts before or behind the recurrent product."""
    operations = [*gates.gate(0, "z", "Sigmoid"), *gates.gate(1, "r", "Sigmoid")]
    if after_reset:
        operations += [
            gates.of_x(2, "n", with_recurrent_bias=False),
            gates.of_h(2, "n", with_bias=True),
            Operation("Mul", "n_reset", ("r", "n_h"), "n_sum"),
            Operation("Add", "n_sum", ("n_x", "n_reset")),
            Operation("Tanh", "n", ("n_sum",)),
        ]
    else:
        operations.append(Operation("Mul", "reset", ("r", "h")))
        operations += gates.gate(2, "n", "Tanh", "reset")
    operations += [
        Operation("Sub", "change", ("h", "n")),
        Operation("Mul", "kept", ("z", "change")),
        Operation("Add", "h_next", ("n", "kept"), "h"),
    ]
    return Cell(tuple(operations), (("h", "h_next", start),), "h_next")


def _lstm(gates: _Gates, starts: list[Array]) -> Cell:
    """The next c is f c + i g, the next h o tanh(c); ONNX has the gates in the order i, o, f, g."""
    operations = [
        *gates.gate(0, "i", "Sigmoid"),
        *gates.gate(1, "o", "Sigmoid"),
        *gates.gate(2, "f", "Sigmoid"),
        *gates.gate(3, "g", "Tanh"),
        Operation("Mul", "kept", ("f", "c"), "c"),
        Operation("Mul", "added", ("i", "g"), "c"),
        Operation("Add", "c_next", ("kept", "added"), "c"),
        Operation("Tanh", "c_tanh", ("c_next",)),
        Operation("Mul", "h_next", ("o", "c_tanh"), "h"),
    ]
    return Cell(
        tuple(operations), (("h", "h_next", starts[0]), ("c", "c_next", starts[1])), "h_next"
    )


def _rnn(gates: _Gates, starts: list[Array]) -> Cell:
    operations = gates.gate(0, "a", "Tanh")
    return Cell(tuple(operations), (("h", "a", starts[0]),), "a")


def _computed(operation: Operation, values: Mapping[str, Array]) -> Array:
    given = [values[name] for name in operation.inputs]
    if operation.kind == "Gemm":
        assert operation.weight is not None
        return np.asarray(given[0] @ operation.weight.T + operation.bias)
    if operation.kind == "Sigmoid":
        return np.asarray(1 / (1 + np.exp(-given[0])))
    return np.asarray(_FUNCTIONS[operation.kind](*given))


_FUNCTIONS: dict[str, Any] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Tanh": np.tanh,
}


def _refuse_odd_forms(node: onnx_ir.Node, step: str) -> None:
    where = f"{step}: layer {node.name}"
    names = node.attributes.get_strings("activations", ())
    if names and tuple(names) != _DEFAULTS[node.op_type] * (
        2 if node.attributes.get_string("direction", "forward") == "bidirectional" else 1
    ):
        raise RecipeError(f"its activations are {', '.join(names)}", where, "use the default ones")
    given = [*node.inputs, *[None] * 8]
    for odd, what in (
        (bool(node.attributes.get_int("layout", False)), "a batch-first layout is"),
        ("clip" in node.attributes, "clipping is"),
        (bool(node.attributes.get_int("input_forget", False)), "coupled gates are"),
        (given[4] is not None, "sequence lengths are"),
        (given[7] is not None, "peepholes are"),
    ):
        if odd:
            raise RecipeError(f"{what} not quantised", where, "export the layer without")
    for value in [*given[1:4], *given[5:7]]:
        if value is not None and constant(value) is None:
            raise RecipeError(f"'{value.name}' is computed at run time", where, "make it constant")
