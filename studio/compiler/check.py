"""The operator check: what will become of each node, known when a file is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from studio.compiler.lower import Lowering, input_layout
from studio.compiler.program import Options
from studio.errors import Unsupported

if TYPE_CHECKING:
    import onnx_ir

    from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """What will become of one node.

    Attributes:
        node: its name, or that of its first output.
        op_type: the ONNX operator.
        verdict: supported as it stands, rewritten into another form, or refused.
        reason: why it is rewritten or refused.
        hint: what would help.
    """

    node: str
    op_type: str
    verdict: Literal["supported", "rewritten", "refused"]
    reason: str = ""
    hint: str = ""


def check(model: Model) -> tuple[NodeCheck, ...]:
    """Lower the model as far as it goes and report on every node."""
    refused: dict[str, Unsupported] = {}
    options = Options(rounding="single")
    lowering = Lowering(model, options, input_layout(model), refused.__setitem__)
    try:
        lowering.program()
    except Unsupported as error:
        refused.setdefault(_node_at(model, error.where), error)
    rows = []
    for node in model.ir.graph:
        name = _name(node)
        if name in refused:
            why = refused[name]
            rows.append(NodeCheck(name, node.op_type, "refused", why.what, why.hint))
        elif name in lowering.notes:
            rows.append(NodeCheck(name, node.op_type, "rewritten", lowering.notes[name]))
        else:
            rows.append(NodeCheck(name, node.op_type, "supported"))
    return tuple(rows)


def _node_at(model: Model, where: str) -> str:
    """The node that a refusal is about: one of this name, what makes or reads a value, or any."""
    nodes = tuple(model.ir.graph)
    for values in ("outputs", "inputs"):
        for node in nodes:
            if where in (_name(node), *(v.name for v in getattr(node, values) if v is not None)):
                return _name(node)
    return _name(nodes[-1])


def _name(node: onnx_ir.Node) -> str:
    return node.name or node.outputs[0].name or ""
