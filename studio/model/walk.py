"""Walking a graph once, from layer to layer, while the layers ahead are still being changed.

Rounding methods go through a net in order and look at what each layer reads or answers. To run the
whole net for each would take quadratic time; a walk carries what is alive from one look to the
next, for each sample, and runs only the nodes between. Each node runs as `observe` runs it, one
sample at a time: matrix products of several rows sum in another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.model.evaluate import Session, observe, opened
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]
CARRIED_BYTES = 2**28


class Walk:
    """The values of a graph with one input, looked at in the order of computation.

    Whoever walks may change the constants of the node whose output was looked at last, and of
    those that no look has needed yet. Samples beyond `CARRIED_BYTES` of living values start from
    the input at every look, and so do those of a net with state.
    """

    def __init__(self, ir: onnx_ir.Model, x: npt.NDArray[np.float32]) -> None:
        """A walk that begins at the input.

        Args:
            ir: the graph; its constants are read anew at every look.
            x: float32 [n, ...], the samples.
        """
        model = Model.from_ir(ir)
        spec = model.inputs[0]
        self._ir, self._x, self._input = ir, x, spec.name
        self._place = {node: place for place, node in enumerate(ir.graph)}
        self._values = {value.name: value for value in ir.graph.inputs}
        self._values |= {out.name: out for node in ir.graph for out in node.outputs}
        self._done: set[onnx_ir.Node] = set()
        self._repeated = self._cheap_nodes()
        self._living: list[dict[str, Array]] = []
        if not model.states:
            parts = (np.asarray(sample, spec.dtype).reshape(spec.shape) for sample in x)
            self._living = [{spec.name: part} for part in parts]

    def look(self, name: str) -> Iterator[Array]:
        """A value, batch axis included, for one sample after the other; take them all."""
        if name == self._input:
            yield from (sample[None] for sample in self._x)
            return
        given = 0
        for array in self._carried(name):
            given += 1
            yield array
        if given < len(self._x):
            rest = observe(Model.from_ir(self._ir), (name,), self._x[given:])
            yield from (array for (array,) in rest)

    def _carried(self, name: str) -> Iterator[Array]:
        """The value for the samples that are carried, which then stand before its node."""
        nodes = self._between(name) if self._living else None
        if nodes is None:
            return
        known = tuple(self._living[0])
        feed = {read.name or "" for node in nodes for read in _reads(node)}.intersection(known)
        for node in nodes:
            if node not in self._repeated and all(out.name != name for out in node.outputs):
                self._done.add(node)
        made = [out for node in nodes if node in self._done for out in node.outputs]
        living = [value for value in (*map(self._values.__getitem__, known), *made) if value.name]
        kept = [value.name or "" for value in living if self._is_read(value)]
        asked = [other for other in dict.fromkeys((name, *kept)) if other not in known]
        run = self._session(nodes, feed, asked) if nodes else None
        # The list ends earlier once the first sample has shown how much each carries.
        for index, row in enumerate(self._living):
            if run is not None:
                outputs = run(asked, {other: row[other] for other in feed})
                row = {**row, **dict(zip(asked, outputs, strict=True))}
            self._living[index] = {other: row[other] for other in kept}
            if index == 0:
                del self._living[self._room() :]
            yield row[name]

    def _between(self, name: str) -> list[onnx_ir.Node] | None:
        """The nodes from what lives to a value, in order; None if it lies behind the walk."""
        found: set[onnx_ir.Node] = set()
        pending = [self._values[name]]
        while pending:
            value = pending.pop()
            if value.name in self._living[0] or value.const_value is not None:
                continue
            node = value.producer()
            if node is None or node in self._done:
                return None
            if node not in found:
                found.add(node)
                pending += _reads(node)
        return sorted(found, key=self._place.__getitem__)

    def _cheap_nodes(self) -> set[onnx_ir.Node]:
        """Nodes that run again for each reader: of constants only, or from integers to float.

        What is carried is so the integer, and the constants may change.
        """
        fixed: set[onnx_ir.Node] = set()
        for node in self._place:
            makers = (value.producer() for value in _reads(node) if value.const_value is None)
            if all(maker in fixed for maker in makers):
                fixed.add(node)
        return fixed | {node for node in self._place if node.op_type == "DequantizeLinear"}

    def _is_read(self, value: onnx_ir.Value) -> bool:
        """Whether a node that is not done reads a value, directly or through cheap ones."""
        return any(
            any(map(self._is_read, node.outputs)) if node in self._repeated else True
            for node in value.consumers()
            if node not in self._done
        )

    def _room(self) -> int:
        """How many samples can be carried if all take as much as the first."""
        sizes = (array.nbytes for name, array in self._living[0].items() if name != self._input)
        return CARRIED_BYTES // max(sum(sizes), 1)

    def _session(
        self, nodes: Sequence[onnx_ir.Node], feed: Iterable[str], asked: Iterable[str]
    ) -> Session:
        """Some nodes of the graph, with what they read as inputs."""
        import onnx
        from onnx import helper
        from onnx_ir import serde

        constants = {
            value.name or "": value.const_value
            for node in nodes
            for value in _reads(node)
            if value.const_value is not None
        }
        arrays = ((name, self._living[0][name]) for name in feed)
        graph = helper.make_graph(
            [serde.serialize_node(node) for node in nodes],
            "segment",
            [
                helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
                )
                for name, array in arrays
            ],
            [onnx.ValueInfoProto(name=name) for name in asked],
        )
        for name, tensor in constants.items():
            serde.serialize_tensor_into(graph.initializer.add(), tensor)
            graph.initializer[-1].name = name
        ir = self._ir
        versions = ir.graph.opset_imports.items()
        proto = helper.make_model(
            graph,
            ir_version=ir.ir_version,
            opset_imports=[helper.make_opsetid(*pair) for pair in versions],
            functions=[serde.serialize_function(each) for each in ir.functions.values()],
        )
        return opened(proto.SerializeToString(), ir.graph.name or "")


def _reads(node: onnx_ir.Node) -> list[onnx_ir.Value]:
    """The values that a node reads, those of its inner graphs from around them among them."""
    import onnx_ir

    outer = [value for value in node.inputs if value is not None]
    for attribute in node.attributes.values():
        if attribute.type != onnx_ir.AttributeType.GRAPH:
            continue
        for inner in onnx_ir.traversal.RecursiveGraphIterator(attribute.as_graph()):
            outer += [v for v in inner.inputs if v is not None and v.graph is node.graph]
    return outer
