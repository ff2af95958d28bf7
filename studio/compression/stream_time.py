"""Give a net over windows only the new samples of each: the past is kept as state."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.compression.step import Step, param
from studio.compression.time_rows import Course, Rows, demands, depths, follow, shape_of
from studio.compression.time_writer import Writer
from studio.errors import RecipeError
from studio.job import Job, Progress

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset
    from studio.model.model import Model

_CLOCKS = 8  # a preview has no time to try more
_HINT = "it serves nets whose first layers slide over time: convolutions, pooling, elementwise"


@dataclass(frozen=True, slots=True)
class StreamTime:
    """Take only the new samples of a window in each run, and keep what is needed of the past.

    Convolutions and pooling keep their last rows, whatever sees the whole window (a mean, a dense
    layer) the rows of the window. Where layers do not pad along time, the answers are those of
    the window net once the window is full. Zeros around the window become the real past, and
    answers come later by the rows that lay behind it: measure the accuracy again. The last step:
    quantise before it.
    """

    hop: int = param(
        0,
        "New samples of each run",
        lo=0,
        hi=1_000_000,
        help="0: the product of the strides, the fewest with which every layer goes on",
    )
    axis: int = param(
        0,
        "Axis of time of the input",
        lo=0,
        hi=8,
        help="0: the one along which most work is saved (the batch is axis 0)",
    )


def preview(p: StreamTime, model: Model) -> Model:
    """The model with its states; it is exact, not only in structure.

    Raises:
        RecipeError: several inputs, nothing that slides over time, or a hop that does not fit.
    """
    if model.states or len(model.inputs) != 1:
        what = "the model carries state already" if model.states else "the model has several inputs"
        raise RecipeError(what, STEP.id, "time is the axis of the only input of a net over windows")
    ir = model.clone_ir()
    source = next(value for value in ir.graph.inputs if not value.is_initializer())
    found = [c for rows in _ways(source, p.axis) if (c := _course(ir.graph, source, rows, p.hop))]
    if not found:
        _refuse(ir.graph, source, p)
    hop, course = max(found, key=lambda way: _saved(way[1], way[0]))
    course = _in_step(ir.graph, source, course, hop)
    plain = model.metadata.get("tms.inputs") == "plain"
    report = Writer(ir, course, hop, plain).write()
    return model.derived(ir, STEP.id, {"hop": p.hop, "axis": p.axis}, report)


def run(p: StreamTime, model: Model, data: Dataset | None) -> Job[Model]:
    """As `preview`: nothing is measured."""
    yield Progress("Finding what goes on from run to run", 0.0)
    return preview(p, model)


STEP = Step(StreamTime, preview, run, group="Deploy", title="Stream over time")


def _ways(source: onnx_ir.Value, axis: int) -> list[Rows]:
    """Where time may lie in the input: an axis, or rows one after the other in a flat one."""
    shape = shape_of(source)
    axes = [a for a in range(1, len(shape)) if shape[a] > 1 and axis in (0, a)]
    found = [Rows(a, shape[a]) for a in axes]
    if len(shape) == 2 and axes:
        sizes = {n for node in _reshapes(source) for n in shape_of(node.outputs[0])}
        counts = sorted(n for n in sizes if 1 < n < shape[1] and shape[1] % n == 0)
        found += [Rows(1, n, shape[1] // n) for n in counts]
    return found


def _reshapes(value: onnx_ir.Value) -> list[onnx_ir.Node]:
    """The reshapes of a value, quantised before or not."""
    found = []
    for node in value.consumers():
        if node.op_type == "Reshape":
            found.append(node)
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            found += _reshapes(node.outputs[0])
    return found


def _course(
    graph: onnx_ir.Graph, source: onnx_ir.Value, rows: Rows, hop: int
) -> tuple[int, Course] | None:
    """A hop and what it saves; None where that is nothing."""
    if not hop:
        strides = {passage.rows.stride for passage in follow(graph, source, rows).passages.values()}
        fitting = [n for n in (math.lcm(*strides), *strides) if n < rows.count]
        hop = max(fitting, default=0)
    if not 0 < hop < rows.count:
        return None
    course = follow(graph, source, rows, hop)
    return (hop, course) if _saved(course, hop)[0] else None


def _in_step(graph: onnx_ir.Graph, source: onnx_ir.Value, course: Course, hop: int) -> Course:
    """The same way with the clock of strides set so that the fewest rows wait.

    Only where padding behind the window is given up, so that no window could be met exactly: there
    a stride may begin at any sample.
    """
    seen = [value for node in course.ends for value in node.inputs]
    if not any(course.rows[v].late for v in (*seen, *graph.outputs) if v in course.rows):
        return course
    shifted = (replace(course.source, late=late) for late in range(1, min(hop, _CLOCKS)))
    ways = [course, *(follow(graph, source, rows, hop) for rows in shifted)]
    return min(ways, key=lambda way: _kept(graph, way, hop))


def _kept(graph: onnx_ir.Graph, course: Course, hop: int) -> int:
    """Elements of all states."""
    kept = 0
    for value, depth in depths(graph, course, demands(graph, course, hop)).items():
        rows = course.rows[value]
        if depth > hop // rows.stride:
            kept += depth * math.prod(shape_of(value)) // rows.count
    return kept


def _saved(course: Course, hop: int) -> tuple[int, int]:
    """Products and comparisons of a window that are not done again, and how long it is."""
    saved = 0
    for node, passage in course.passages.items():
        rows = passage.rows
        again = rows.count - hop // rows.stride
        saved += max(again, 0) * math.prod(shape_of(node.outputs[0])) * _reach(node) // rows.count
    return saved, course.source.count


def _reach(node: onnx_ir.Node) -> int:
    """Operands of one element of the result; none where it is cheap."""
    if node.op_type == "Conv":
        return math.prod(shape_of(node.inputs[1])[1:])
    if node.op_type == "MatMul":
        return shape_of(node.inputs[1])[0]
    return math.prod(int(n) for n in node.attributes.get_ints("kernel_shape") or (0,))


def _refuse(graph: onnx_ir.Graph, source: onnx_ir.Value, p: StreamTime) -> None:
    """Say why no way leads on.

    Raises:
        RecipeError: always.
    """
    ways = [(rows, follow(graph, source, rows)) for rows in _ways(source, p.axis)]
    if not ways:
        raise RecipeError(f"the input has no axis {p.axis} of several samples", STEP.id, _HINT)
    rows, course = max(ways, key=lambda way: _saved(way[1], 0))
    if not _saved(course, 0)[0]:
        ends = ", ".join(f"{node.op_type} '{node.name}'" for node in course.ends[:2])
        raise RecipeError(f"nothing slides over time before {ends}", STEP.id, _HINT)
    if p.hop >= rows.count:
        what = f"a hop of {p.hop} is the whole window of {rows.count}"
        raise RecipeError(what, STEP.id, "give fewer samples than a window has")
    strides = sorted({passage.rows.stride for passage in course.passages.values()})
    if not p.hop:
        what = f"the window of {rows.count} is no longer than a stride over time, {strides[0]}"
        raise RecipeError(what, STEP.id, "widen the window, or lessen the stride")
    if p.hop % strides[0] == 0:
        what = f"of the window of {rows.count}, nothing is used again after a hop of {p.hop}"
        raise RecipeError(what, STEP.id, f"give fewer samples, such as {strides[0]}")
    what = f"a hop of {p.hop} is no multiple of the first stride over time, {strides[0]}"
    every = math.lcm(*strides)
    hint = f"give a multiple of {every if every < rows.count else strides[0]}"
    raise RecipeError(what, STEP.id, hint)
