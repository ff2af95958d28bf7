"""What an operator's lowering is.

A file in `ops/` holds OPERATORS: each names the ONNX operators that it serves and a function
that turns one site (a node with its operands) into kernel calls, integer where the operands
are integers and the result is quantised, float otherwise.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from studio.compiler.operand import Const, Quant, Tensor
from studio.errors import Unsupported

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Operand = Tensor | Const
ANY_DTYPE = ("float32", "int8", "uint8", "int16", "int32", "bool")


@dataclass(frozen=True, slots=True)
class Result:
    """One output of a node that somebody may read."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Site:
    """A node as its operator sees it.

    Attributes:
        name: the node's, for people.
        op_type: the ONNX operator.
        inputs: operands; None where an optional one is left out.
        shape: ONNX shape of the (first) output.
        output: name of the value that the site computes, behind a fused activation.
        clamp: bounds of the fused activation, else None.
        quant: set where everybody who reads the output quantises it so.
        attributes: of the node, as Python values.
        opset: version of the operator set.
        results: all outputs of the node, the first one behind a fused activation; those left out
            have no name and are not here.
        wanted: numbers of the outputs that somebody reads.
        metadata: of the node: what ONNX has no attribute for.
    """

    name: str
    op_type: str
    inputs: tuple[Operand | None, ...]
    shape: tuple[int, ...]
    output: str
    clamp: tuple[float, float] | None
    quant: Quant | None
    attributes: dict[str, Any]
    opset: int
    results: tuple[Result, ...] = ()
    wanted: frozenset[int] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def tensor(self, index: int = 0) -> Tensor:
        """An operand that is computed at run time.

        Raises:
            Unsupported: it is a constant.
        """
        operand = self.inputs[index]
        if not isinstance(operand, Tensor):
            raise self.refused(f"input {index} is a constant", "fold constants first")
        return operand

    def const(self, index: int) -> Const:
        """An operand that is known now.

        Raises:
            Unsupported: it is computed at run time.
        """
        operand = self.inputs[index]
        if not isinstance(operand, Const):
            raise self.refused(
                f"input {index} is computed at run time", "only a constant is supported there"
            )
        return operand

    def optional(self, index: int) -> Operand | None:
        """An operand that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def refused(self, why: str, hint: str = "") -> Unsupported:
        """The error that refuses this site."""
        return Unsupported(f"{self.op_type}: {why}", self.name, hint)


@dataclass(frozen=True, slots=True)
class Operator:
    """Lowering of some ONNX operators.

    Attributes:
        op_types: the operators that it serves.
        lower: (site, lowering) -> the output, or outputs where there are several.
        activation: a Relu or Clip behind it may be part of the call.
        int16: it has a form for quantised int16; else it gets such operands in float.
        dtypes: of operands that are not quantised.
        special: (site, lowering) -> the output, or None; a form that is tried before operands and
            result are brought to one width.
    """

    op_types: tuple[str, ...]
    lower: Callable[[Site, Lowering], Operand | tuple[Operand, ...]]
    activation: bool = False
    int16: bool = False
    dtypes: tuple[str, ...] = ("float32",)
    special: Callable[[Site, Lowering], Tensor | None] | None = None


@cache
def operators() -> dict[str, Operator]:
    """All operators by ONNX name: every module of `ops/` that has OPERATORS."""
    import studio.compiler.ops as room

    found: dict[str, Operator] = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        for operator in getattr(module, "OPERATORS", ()):
            found.update(dict.fromkeys(operator.op_types, operator))
    return found
