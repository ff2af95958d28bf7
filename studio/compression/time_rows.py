"""How operators pass on rows of time: which values have them, and which rows a new one needs.

Rows are counted from the newest one that is known, so that operators without padding, side
branches and strides need no clock: the last rows of a result come from the last rows of its
operands. Where a window was padded with zeros at its end, a result that would have seen them
waits for the real rows instead and is late.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from studio.compression.constants import constant

if TYPE_CHECKING:
    import onnx_ir


@dataclass(frozen=True, slots=True)
class Rows:
    """Where time lies in a value.

    Attributes:
        axis: along which the rows lie.
        count: rows of a window.
        size: elements of the axis that are one row.
        stride: rows of the input from one row to the next.
        late: rows at the window's end that are not known yet when its last sample is.
    """

    axis: int
    count: int
    size: int = 1
    stride: int = 1
    late: int = 0

    def like(self, other: Rows) -> bool:
        """Whether both have the same rows, wherever they lie."""
        return (self.count, self.size, self.stride) == (other.count, other.size, other.stride)


@dataclass(frozen=True, slots=True)
class Need:
    """Which rows of an operand n new rows of a result take: (n - 1) * step + span of them.

    They end `lag` rows before the newest one.
    """

    span: int = 1
    step: int = 1
    lag: int = 0

    def rows(self, new: int) -> int:
        """How many rows, without those of the lag."""
        return (new - 1) * self.step + self.span


@dataclass(frozen=True, slots=True)
class Passage:
    """An operator that passes rows on.

    Attributes:
        rows: of its results.
        needs: what it takes of its operands that have rows, by index.
        zeros: rows of padding before and behind the window that it no longer sees.
    """

    rows: Rows
    needs: Mapping[int, Need]
    zeros: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Course:
    """What becomes of a graph's rows.

    Attributes:
        rows: of every value that has them.
        passages: the operators that pass them on.
        ends: operators that see the whole window.
    """

    rows: dict[onnx_ir.Value, Rows]
    passages: dict[onnx_ir.Node, Passage] = field(default_factory=dict)
    ends: list[onnx_ir.Node] = field(default_factory=list)

    @property
    def source(self) -> Rows:
        """Those of the input."""
        return next(iter(self.rows.values()))


@dataclass(frozen=True, slots=True)
class Demand:
    """An operand with rows: who reads it, where, and which rows, `lag` before the newest."""

    node: onnx_ir.Node
    index: int
    rows: int
    lag: int


Operands = Mapping[int, Rows]
Rule = Callable[["onnx_ir.Node", Operands], Passage | None]


def follow(graph: onnx_ir.Graph, source: onnx_ir.Value, rows: Rows, hop: int = 0) -> Course:
    """Where the rows of an input go, through operators that treat all rows alike.

    Args:
        graph: with static shapes.
        source: its input.
        rows: of the input.
        hop: new rows of a run, of which every stride must make whole rows; 0: as many as it needs.
    """
    course = Course({source: rows})
    for node in graph:
        operands = {i: course.rows[v] for i, v in enumerate(node.inputs) if v in course.rows}
        if not operands:
            continue
        known = node.domain in ("", "ai.onnx") and "tms.activations" not in node.metadata_props
        rule = _RULES.get(node.op_type) if known else None
        passage = rule(node, operands) if rule is not None else None
        if passage is None or hop % passage.rows.stride:
            course.ends.append(node)
            continue
        course.passages[node] = passage
        course.rows.update(dict.fromkeys(node.outputs, passage.rows))
    return course


def demands(graph: onnx_ir.Graph, course: Course, hop: int) -> list[Demand]:
    """The rows that each node takes in a run: all of the window where it does not pass them on."""
    found = []
    for node in graph:
        passage = course.passages.get(node)
        if passage is not None:
            new = hop // passage.rows.stride
            found += [Demand(node, i, n.rows(new), n.lag) for i, n in passage.needs.items()]
            continue
        for index, value in enumerate(node.inputs):
            if value in course.rows:
                found.append(Demand(node, index, course.rows[value].count, 0))
    return found


def depths(graph: onnx_ir.Graph, course: Course, wanted: list[Demand]) -> dict[onnx_ir.Value, int]:
    """The most rows that anybody wants of a value, by the value that is kept for it."""
    found: dict[onnx_ir.Value, int] = {}
    reads = [(demand.node.inputs[demand.index], demand.rows + demand.lag) for demand in wanted]
    reads += [(v, course.rows[v].count) for v in graph.outputs if v in course.rows]
    for value, rows in reads:
        origin = origin_of(value)
        found[origin] = max(found.get(origin, 0), rows)
    return found


def origin_of(value: onnx_ir.Value | None) -> onnx_ir.Value:
    """What is kept of a value: the integers that it is read from, else itself."""
    assert value is not None
    maker = value.producer()
    stored = maker.inputs[0] if maker is not None and maker.op_type == "DequantizeLinear" else None
    return value if stored is None else stored


def shape_of(value: onnx_ir.Value | None) -> tuple[int, ...]:
    """The static shape of a value."""
    assert value is not None
    assert value.shape is not None
    return cast("tuple[int, ...]", value.shape.dims)  # numpy() looks at every one again


def padding(node: onnx_ir.Node) -> list[tuple[int, int]]:
    """Padding of a convolution or pooling, before and behind, of each spatial axis.

    Behind, it reaches as far as the last window does, which ceil_mode may let end later.
    """
    return [_padding_along(node, axis) for axis in range(2, len(shape_of(node.inputs[0])))]


def _padding_along(node: onnx_ir.Node, axis: int) -> tuple[int, int]:
    """Padding of one axis, before and behind."""
    shape, results = shape_of(node.inputs[0]), shape_of(node.outputs[0])
    spatial = len(shape) - 2
    mode, given = _given_padding(node, spatial)
    extent, step = _window(node, axis)
    whole = max((results[axis] - 1) * step + extent - shape[axis], 0)
    small, large = whole // 2, whole - whole // 2
    before, behind = given[axis - 2], given[axis - 2 + spatial]
    same = {"SAME_UPPER": (small, large), "SAME_LOWER": (large, small)}
    return same.get(mode, (before, max(behind, whole - before)))


def _given_padding(node: onnx_ir.Node, spatial: int) -> tuple[str, list[int]]:
    """How a node says its padding, and what it says: all before, then all behind."""
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    pads = node.attributes.get_ints("pads") if mode == "NOTSET" else None
    return mode, [int(n) for n in pads] if pads else [0] * (2 * spatial)


def _counts_beyond(node: onnx_ir.Node) -> bool:
    """Whether ceil_mode adds padding that cannot be written as such.

    An average that counts its padding does not count what lies beyond it, and no padding may be
    as large as the kernel.
    """
    sizes = node.attributes.get_ints("kernel_shape")
    if not node.attributes.get_int("ceil_mode", 0) or sizes is None:
        return False
    counted = bool(node.attributes.get_int("count_include_pad", 0))
    _, given = _given_padding(node, len(sizes))
    said = given[len(sizes) :]
    return any(
        behind > old and (counted or behind >= size)
        for (_, behind), old, size in zip(padding(node), said, sizes, strict=True)
    )


def _window(node: onnx_ir.Node, axis: int) -> tuple[int, int]:
    """Extent and stride of a convolution or pooling along an axis."""
    sizes = node.attributes.get_ints("kernel_shape")
    sizes = sizes if sizes is not None else shape_of(node.inputs[1])[2:]
    dilations, strides = (node.attributes.get_ints(key) for key in ("dilations", "strides"))
    dilation = int(dilations[axis - 2]) if dilations else 1
    return (int(sizes[axis - 2]) - 1) * dilation + 1, int(strides[axis - 2]) if strides else 1


def _slid(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Conv and pooling: a window that slides over the rows."""
    rows, results = operands.get(0), [out for out in node.outputs if out.uses()]
    if rows is None or len(operands) > 1 or rows.axis < 2 or rows.size > 1:
        return None
    count = shape_of(node.outputs[0])[rows.axis]
    if count == 1 or results[1:] or (len(node.inputs) > 1 and not _fixed(node.inputs[1])):
        return None  # one result for all rows has no next one
    if _counts_beyond(node):
        return None
    before, _ = _padding_along(node, rows.axis)
    extent, step = _window(node, rows.axis)
    last, unused = divmod(rows.count - rows.late + before - extent, step)
    late = count - 1 - last
    out = replace(rows, count=count, stride=rows.stride * step, late=late)
    behind = max((count - 1) * step + extent - before - rows.count, 0)
    return Passage(out, {0: Need(extent + unused, step)}, (before, behind))


def _elementwise(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Every element by itself, operands broadcast as in numpy."""
    places = {len(shape_of(node.inputs[i])) - rows.axis for i, rows in operands.items()}
    first = next(iter(operands.values()))
    if len(places) > 1 or not all(first.like(rows) for rows in operands.values()):
        return None
    place = places.pop()
    for index, value in enumerate(node.inputs):
        if value is None or index in operands:
            continue
        shape = shape_of(value)
        if not _fixed(value) or (len(shape) >= place and shape[-place] > 1):
            return None
    return _aligned(operands, len(shape_of(node.outputs[0])) - place)


def _aligned(operands: Operands, axis: int) -> Passage:
    """The same rows of all operands: those that are early wait for those that are late."""
    late = max(rows.late for rows in operands.values())
    needs = {i: Need(lag=late - rows.late) for i, rows in operands.items()}
    return Passage(replace(next(iter(operands.values())), axis=axis, late=late), needs)


def _on_a_grid(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """QuantizeLinear and DequantizeLinear whose scale is the same for all rows."""
    scale = constant(node.inputs[1])
    if list(operands) != [0] or scale is None or scale.ndim > 1:
        return None
    rank = len(shape_of(node.inputs[0]))
    along = node.attributes.get_int("axis", 1) % rank
    return None if scale.size > 1 and along == operands[0].axis else _as_it_is(operands[0])


def _as_it_is(rows: Rows, axis: int | None = None, size: int | None = None) -> Passage:
    axis, size = rows.axis if axis is None else axis, rows.size if size is None else size
    return Passage(replace(rows, axis=axis, size=size), {0: Need()})


def _normalised(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Factors of each channel."""
    rows = operands.get(0)
    return _as_it_is(rows) if rows is not None and len(operands) == 1 and rows.axis != 1 else None


def _within(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Softmax along another axis."""
    rank, rows = len(shape_of(node.inputs[0])), operands[0]
    along = node.attributes.get_int("axis", -1) % rank
    return _as_it_is(rows) if along != rows.axis else None


def _reduced(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """A reduction over other axes."""
    rows, rank = operands[0], len(shape_of(node.inputs[0]))
    given = constant(node.inputs[1]) if len(node.inputs) > 1 else node.attributes.get_ints("axes")
    axes = {int(axis) % rank for axis in given} if given is not None else set()
    if not axes or rows.axis in axes:
        return None
    kept = node.attributes.get_int("keepdims", 1)
    return _as_it_is(rows, rows.axis if kept else rows.axis - sum(a < rows.axis for a in axes))


def _turned(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    rank = len(shape_of(node.inputs[0]))
    perm = node.attributes.get_ints("perm")
    order = [int(a) for a in perm] if perm is not None else list(range(rank))[::-1]
    return _as_it_is(operands[0], order.index(operands[0].axis))


def _reshaped(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """The same elements under another shape that has an axis of whole rows at the same place."""
    if node.op_type == "Squeeze" and len(node.inputs) < 2 and "axes" not in node.attributes:
        return None  # a run of one row would lose the axis of time
    rows = operands[0]
    before, after = shape_of(node.inputs[0]), shape_of(node.outputs[0])
    outside = math.prod(before[: rows.axis])
    for axis, size in enumerate(after):
        if math.prod(after[:axis]) == outside and size % rows.count == 0:
            return _as_it_is(rows, axis, size // rows.count)
    return None


def _multiplied(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """A product of each row with fixed weights."""
    if list(operands) != [0] or not _fixed(node.inputs[1]):
        return None
    shape, weights = shape_of(node.inputs[0]), shape_of(node.inputs[1])
    if len(weights) != 2 or operands[0].axis == len(shape) - 1:
        return None
    return _as_it_is(operands[0])


def _joined(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Concat along another axis."""
    first = operands.get(0)
    along = node.attributes.get_int("axis", 0) % len(shape_of(node.outputs[0]))
    if first is None or len(operands) < len(node.inputs) or along == first.axis:
        return None
    alike = all(first.like(rows) and first.axis == rows.axis for rows in operands.values())
    return _aligned(operands, first.axis) if alike else None


def _padded(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Zeros around, and rows cut off where there are fewer than none."""
    pads, value, rows = constant(node.inputs[1]), node.inputs[2:3], operands[0]
    fill = constant(value[0]) if value and value[0] is not None else 0
    if pads is None or fill is None or fill != 0 or len(node.inputs) > 3 or rows.size > 1:
        return None
    if node.attributes.get_string("mode", "constant") != "constant":
        return None
    before, behind = int(pads[rows.axis]), int(pads[len(pads) // 2 + rows.axis])
    return _cropped(rows, before, behind)


def _cropped(rows: Rows, before: int, behind: int) -> Passage:
    """More rows before and behind, or fewer."""
    late = rows.late + behind
    count = rows.count + before + behind
    out = replace(rows, count=count, late=max(late, 0))
    return Passage(out, {0: Need(lag=max(-late, 0))}, (max(before, 0), max(behind, 0)))


def _cut(node: onnx_ir.Node, operands: Operands) -> Passage | None:
    """Slice: every row, or some of the rows without gaps."""
    rows, shape = operands[0], shape_of(node.inputs[0])
    numbers = [constant(value) for value in node.inputs[1:]]
    if rows.size > 1 or len(numbers) < 3 or any(array is None for array in numbers):
        return None
    starts, ends, axes, *steps = (array.tolist() for array in numbers if array is not None)
    every = steps[0] if steps else [1] * len(axes)
    for start, end, axis, step in zip(starts, ends, axes, every, strict=True):
        if axis % len(shape) == rows.axis:
            first, last, _ = slice(start, end, step).indices(rows.count)
            return _cropped(rows, -first, last - rows.count) if step == 1 else None
    return _as_it_is(rows)


def _fixed(value: onnx_ir.Value | None) -> bool:
    """Whether a value is a constant or computed from constants."""
    if value is None or value.is_initializer():
        return value is None or not value.is_graph_input()
    maker = value.producer()
    return maker is not None and all(_fixed(source) for source in maker.inputs)


_OPERATORS: tuple[tuple[Rule, str], ...] = (
    (_slid, "Conv MaxPool AveragePool"),
    (_on_a_grid, "QuantizeLinear DequantizeLinear"),
    (_reshaped, "Reshape Flatten Squeeze Unsqueeze"),
    (_reduced, "ReduceMean ReduceSum ReduceMax ReduceMin"),
    (_elementwise, "Add Div Max Min Mul Pow PRelu Sub"),
    (_elementwise, "Abs Cast Ceil Dropout Erf Exp Floor Identity Log Neg Reciprocal Round Sqrt"),
    (_elementwise, "Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Relu Sigmoid Softplus Softsign"),
    (_elementwise, "Swish Tanh"),
    (_normalised, "BatchNormalization"),
    (_joined, "Concat"),
    (_multiplied, "MatMul"),
    (_padded, "Pad"),
    (_cut, "Slice"),
    (_within, "Softmax"),
    (_turned, "Transpose"),
)
_RULES = {name: rule for rule, names in _OPERATORS for name in names.split()}
