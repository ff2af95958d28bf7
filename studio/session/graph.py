"""A model as nodes and edges, each node with what the operator check says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.compiler.check import NodeCheck
    from studio.model.model import Model

QUANTISERS = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of the ONNX graph.

    Attributes:
        name: its own, or that of its first output.
        op_type: the ONNX operator.
        value: its first output.
        shape: of that output, batch included.
        dtype: of its numbers, as they are stored.
        parameters: numbers in the constants that it reads.
        sources: indices of the nodes whose outputs it reads.
        verdict: "supported", "rewritten" or "refused".
        reason: why it is rewritten or refused, and what would help.
    """

    name: str
    op_type: str
    value: str
    shape: tuple[int, ...]
    dtype: str
    parameters: int
    sources: tuple[int, ...]
    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The nodes of `model` in the order of computation; quantisers belong to what they serve."""

    model: Model
    nodes: tuple[GraphNode, ...]

    @property
    def refused(self) -> tuple[GraphNode, ...]:
        """The nodes that no board can run."""
        return tuple(node for node in self.nodes if node.verdict == "refused")


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a value comes from: nodes shown, numbers in constants, and how it is stored."""

    sources: tuple[int, ...] = ()
    parameters: int = 0
    stored: str = ""


def graph_of(model: Model) -> Graph:
    """Read the graph and check every operator."""
    from studio.compiler.check import check

    made: list[GraphNode] = []
    known: dict[str, _Value] = {}
    for node, found in zip(model.ir.graph, check(model), strict=True):
        read = [_read(value, known) for value in node.inputs if value is not None]
        sources = tuple(dict.fromkeys(source for value in read for source in value.sources))
        names = [output.name for output in node.outputs if output.name]
        if node.op_type in QUANTISERS and found.verdict != "refused":
            quantised = node.op_type == "QuantizeLinear"
            stored = model.dtype_of(names[0]) if quantised else read[0].stored
            known[names[0]] = _Value(sources, read[0].parameters, stored)
            continue
        made.append(_node(model, names[0], found, read, sources))
        known |= {name: _Value((len(made) - 1,)) for name in names}
    return Graph(model, tuple(made))


def _read(value: Any, known: dict[str, _Value]) -> _Value:
    if value.const_value is not None and not value.is_graph_input():
        stored = str(value.const_value.dtype).lower()
        return _Value((), value.const_value.size, stored if "int" in stored else "")
    return known.get(value.name, _Value())


def _node(
    model: Model, value: str, found: NodeCheck, read: list[_Value], sources: tuple[int, ...]
) -> GraphNode:
    return GraphNode(
        name=found.node,
        op_type=found.op_type,
        value=value,
        shape=model.shape_of(value),
        dtype=read[0].stored if read and read[0].stored else model.dtype_of(value),
        parameters=sum(one.parameters for one in read),
        sources=sources,
        verdict=found.verdict,
        reason=" ".join(part for part in (found.reason, found.hint) if part),
    )
