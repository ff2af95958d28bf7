"""Bring a graph into the form that the other steps and the kernels know best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.compression.constants import constant, drop_unused
from studio.compression.post_training import dense
from studio.compression.step import Step
from studio.job import Job, Progress
from studio.model.normalize import bypass, is_idle_dropout

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset
    from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class Canonicalise:
    """Write the same function in fewer and plainer operators.

    A mean over all positions becomes a global average pooling, a matrix product with a bias a
    Gemm, a reshape to one row a Flatten; Identity, Dropout and pairs of transposes that cancel
    go. The function stays the same.
    """


def preview(p: Canonicalise, model: Model) -> Model:
    """The rewritten model; it is exact, not only in structure."""
    ir = model.clone_ir()
    done: dict[str, str] = {}
    for node in tuple(ir.graph):
        for rewrite in _REWRITES:
            if node.graph is not None and (said := rewrite(ir.graph, node)):
                done[node.name or ""] = said
                break
    drop_unused(ir.graph)
    return model.derived(ir, STEP.id, {}, done)


def run(p: Canonicalise, model: Model, data: Dataset | None) -> Job[Model]:
    """As `preview`: rewriting needs no data."""
    yield Progress("Rewriting", 0.0)
    result = preview(p, model)
    yield Progress(f"Rewrote {len(result.history[-1].get('layers', ()))} nodes", 1.0)
    return result


STEP = Step(Canonicalise, preview, run, group="Prepare", title="Canonicalise")


def _idle(graph: onnx_ir.Graph, node: onnx_ir.Node) -> str:
    if node.op_type != "Identity" and not is_idle_dropout(node):
        return ""
    bypass(graph, node)
    return "removed: it does nothing" if node.graph is None else ""


def _pooled(graph: onnx_ir.Graph, node: onnx_ir.Node) -> str:
    """ReduceMean over all positions of [1, C, ...]."""
    import onnx_ir

    source = node.inputs[0]
    rank = len(source.shape or ()) if source is not None else 0
    if node.op_type != "ReduceMean" or rank < 3 or _axes(node, rank) != set(range(2, rank)):
        return ""
    result = node.outputs[0]
    out = onnx_ir.val(None, result.dtype)
    pool = onnx_ir.node("GlobalAveragePool", [source], outputs=[out], name=node.name)
    graph.insert_before(node, pool)
    if not node.attributes.get_int("keepdims", 1):
        out.name = _unused(graph, f"{result.name}/pooled")
        shape = source.shape.numpy() if source is not None and source.shape is not None else ()
        out.shape = onnx_ir.Shape([*shape[:2], *[1] * (rank - 2)])
        pooled, out = out, onnx_ir.val(None, result.dtype)
        name = f"{node.name}/flatten"
        graph.insert_before(node, onnx_ir.node("Flatten", [pooled], outputs=[out], name=name))
    _take_over(graph, node, out)
    return "a mean over all positions, now a global average pooling"


def _axes(node: onnx_ir.Node, rank: int) -> set[int]:
    axes = constant(node.inputs[1]) if len(node.inputs) > 1 else node.attributes.get_ints("axes")
    return {int(axis) % rank for axis in axes} if axes is not None else set()


def _flat(graph: onnx_ir.Graph, node: onnx_ir.Node) -> str:
    """Reshape of [1, ...] to [1, n]."""
    import onnx_ir

    if node.op_type != "Reshape" or node.inputs[0] is None:
        return ""
    shapes = [value.shape for value in (node.inputs[0], node.outputs[0])]
    if any(shape is None or not shape.is_static() for shape in shapes):
        return ""
    before, after = ([int(n) for n in shape.numpy()] for shape in shapes if shape is not None)
    if len(before) < 2 or before[0] != 1 or after != [1, math.prod(before)]:
        return ""
    out = onnx_ir.val(None, node.outputs[0].dtype)
    flat = onnx_ir.node("Flatten", [node.inputs[0]], outputs=[out], name=node.name)
    graph.insert_before(node, flat)
    _take_over(graph, node, out)
    return "a reshape to one row, now Flatten"


def _gemm(graph: onnx_ir.Graph, node: onnx_ir.Node) -> str:
    if node.op_type != "MatMul":
        return ""
    dense(graph, node)
    return "a matrix product, now Gemm" if node.graph is None else ""


def _cancelled(graph: onnx_ir.Graph, node: onnx_ir.Node) -> str:
    """A Transpose that undoes the one before it."""
    source = node.inputs[0] if node.inputs else None
    before = source.producer() if source is not None else None
    if before is None or {node.op_type, before.op_type} != {"Transpose"}:
        return ""
    orders = [n.attributes.get_ints("perm") for n in (before, node)]
    first, second = orders
    if first is None or second is None or [first[i] for i in second] != sorted(second):
        return ""
    original, result = before.inputs[0], node.outputs[0]
    if original is None or result.is_graph_output():
        return ""
    result.replace_all_uses_with(original)
    graph.remove(node, safe=True)
    if not before.outputs[0].uses() and not before.outputs[0].is_graph_output():
        graph.remove(before, safe=True)
    return "removed: it undid the transpose before it"


_REWRITES = (_idle, _pooled, _flat, _gemm, _cancelled)


def _take_over(graph: onnx_ir.Graph, node: onnx_ir.Node, out: onnx_ir.Value) -> None:
    """Put a new value in the place of a node's result, name and shape included."""
    result = node.outputs[0]
    out.shape = result.shape
    name, result.name = result.name, None
    result.replace_all_uses_with(out, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    out.name = name


def _unused(graph: onnx_ir.Graph, name: str) -> str:
    taken = {value.name for node in graph for value in node.outputs}
    while name in taken:
        name += "_"
    return name
