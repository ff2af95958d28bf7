"""Which channels of a graph belong together, and how to remove them.

Every channel of every value is a number; channels that must go together are joined by
union-find (the idea of DepGraph, arXiv 2301.12900). A convolution or dense layer makes new
channels; a depthwise one, a batch norm, an activation or a pooling passes on those of its input;
an addition joins those of its operands; a concatenation lines them up; flattening repeats them.
Channels of the graph's inputs and outputs, and those that meet an operator that is not known
here, are locked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression.constants import constant, drop_unused, real, set_constant

if TYPE_CHECKING:
    import onnx_ir

Ids = npt.NDArray[np.int64]

_PASSING = {
    "Relu", "Clip", "LeakyRelu", "Elu", "Selu", "Celu", "Mish", "Gelu", "Sigmoid", "Tanh", "Exp",
    "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Identity", "Dropout", "Neg", "Abs",
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Sqrt", "Erf",
}  # fmt: skip
_POOLS = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}
_BINARY = {"Add", "Sub", "Mul", "Div", "Max", "Min"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The channels along one axis of a value."""

    axis: int
    ids: Ids


@dataclass(frozen=True, slots=True)
class Slice:
    """A constant of a node that has channels along an axis.

    Attributes:
        made: whether these are the channels that the node makes, not those that it reads.
    """

    node: onnx_ir.Node
    index: int
    axis: int
    ids: Ids
    made: bool


@dataclass
class Channels:
    """The channels of a graph.

    Attributes:
        layouts: the channels of each value that has some.
        slices: the constants to cut.
        made: layers by name with the channels that they make.
    """

    layouts: dict[onnx_ir.Value, Layout] = field(default_factory=dict)
    slices: list[Slice] = field(default_factory=list)
    made: dict[str, Ids] = field(default_factory=dict)
    parent: Ids = field(default_factory=lambda: np.zeros(0, np.int64))
    locked: set[int] = field(default_factory=set)

    def new(self, count: int) -> Ids:
        """Channels that were not there before."""
        first = len(self.parent)
        ids = np.arange(first, first + count)
        self.parent = np.concatenate([self.parent, ids])
        return ids

    def roots(self, ids: Ids) -> Ids:
        """The representative of each channel's class."""
        while not np.array_equal(above := self.parent[ids], ids):
            ids = above
        return ids

    def join(self, a: Ids, b: Ids) -> None:
        """Let channels go together, pair by pair."""
        for one, other in zip(a, b, strict=True):
            one, other = self.roots(np.array([one, other]))
            self.parent[max(one, other)] = min(one, other)

    def lock(self, value: onnx_ir.Value | None) -> None:
        """Never remove a channel of this value."""
        if value in self.layouts:
            self.locked.update(self.layouts[value].ids.tolist())

    def groups(self) -> list[Ids]:
        """Classes that may be removed, one array for each set of layers that share them."""
        frozen = set(self.roots(np.array(sorted(self.locked), np.int64)).tolist())
        found: list[set[int]] = []
        for ids in self.made.values():
            mine = set(self.roots(ids).tolist())
            for other in [group for group in found if group & mine]:
                found.remove(other)
                mine |= other
            found.append(mine)
        free = [np.array(sorted(group), np.int64) for group in found if not group & frozen]
        return sorted(free, key=lambda group: int(group[0]))


def analyse(graph: onnx_ir.Graph) -> Channels:
    """Find the channels of a float graph and what joins them."""
    found = Channels()
    for value in graph.inputs:
        shape = _shape(value)
        if len(shape) > 1:
            found.layouts[value] = Layout(1, found.new(shape[1]))
            found.lock(value)
    for node in graph:
        rule = _RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        layout = rule(found, node) if rule else None
        if layout is None:
            for read in node.inputs:
                found.lock(read)
        else:
            found.layouts[node.outputs[0]] = layout
    for value in graph.outputs:
        found.lock(value)
    return found


def importance(found: Channels) -> npt.NDArray[np.float64]:
    """Group L2: the squares of all weights that go with a channel, by class."""
    total = np.zeros(len(found.parent))
    for part in found.slices:
        weight = real(part.node.inputs[part.index])
        if weight.ndim > 1:  # statistics and offsets say little about a channel's worth
            axes = tuple(a for a in range(weight.ndim) if a != part.axis)
            np.add.at(total, found.roots(part.ids), np.square(weight).sum(axis=axes))
    return total


def parameters(found: Channels, kept: npt.NDArray[np.bool_]) -> dict[tuple[str, int], int]:
    """Elements that remain of each constant that has channels, by node name and input."""
    shapes: dict[tuple[str, int], list[int]] = {}
    for part in found.slices:
        key = part.node.name or "", part.index
        shape = shapes.setdefault(key, list(_shape(part.node.inputs[part.index])))
        shape[part.axis] = int(kept[found.roots(part.ids)].sum())
    return {key: math.prod(shape) for key, shape in shapes.items()}


def remove(graph: onnx_ir.Graph, found: Channels, kept: npt.NDArray[np.bool_]) -> None:
    """Cut everything down to the classes that are `kept`; values get their new shapes."""
    import onnx_ir

    cuts: dict[tuple[onnx_ir.Node, int], list[tuple[int, Ids]]] = {}
    for part in found.slices:
        chosen = np.flatnonzero(kept[found.roots(part.ids)])
        if len(chosen) < len(part.ids):
            cuts.setdefault((part.node, part.index), []).append((part.axis, chosen))
    for (node, index), axes in cuts.items():
        array = real(node.inputs[index])
        for axis, chosen in axes:
            array = np.take(array, chosen, axis=axis)
        set_constant(graph, node, index, _ROLES.get(index, f"constant{index}"), array)
    for value, layout in found.layouts.items():
        shape = list(_shape(value))
        shape[layout.axis] = int(kept[found.roots(layout.ids)].sum())
        if tuple(shape) != _shape(value):
            value.shape = onnx_ir.Shape(shape)
    for node in graph:
        _resize(graph, node, found, kept)
    drop_unused(graph)


_ROLES = {1: "weight", 2: "bias"}


def _resize(
    graph: onnx_ir.Graph, node: onnx_ir.Node, found: Channels, kept: npt.NDArray[np.bool_]
) -> None:
    """What of a node depends on the number of channels: groups, the target of a Reshape."""
    import onnx_ir

    if node.op_type == "Conv" and node.attributes.get_int("group", 1) > 1:
        layout = found.layouts.get(node.inputs[0]) if node.inputs[0] else None
        if layout is not None:
            groups = int(kept[found.roots(layout.ids)].sum())
            if not _is_depthwise(node, len(layout.ids)):
                return
            node.attributes["group"] = onnx_ir.AttrInt64("group", groups)
    if node.op_type == "Reshape" and node.outputs[0] in found.layouts:
        target = np.array(_shape(node.outputs[0]), np.int64)
        name = f"{node.name}.shape"
        while name in graph.initializers:
            name += "_"
        shape = onnx_ir.val(name, const_value=onnx_ir.Tensor(target, name=name))
        graph.register_initializer(shape)
        node.replace_input_with(1, shape)


def _shape(value: onnx_ir.Value | None) -> tuple[int, ...]:
    if value is None or value.shape is None:
        return ()
    return tuple(int(d) for d in value.shape.numpy())


def _is_constant(value: onnx_ir.Value | None) -> bool:
    return value is not None and value.const_value is not None


def _is_depthwise(node: onnx_ir.Node, channels: int) -> bool:
    return channels > 1 and int(node.attributes.get_int("group", 1)) == channels


def _given(found: Channels, node: onnx_ir.Node) -> Layout | None:
    return found.layouts.get(node.inputs[0]) if node.inputs and node.inputs[0] else None


def _pass(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout = _given(found, node)
    if layout is None or (node.op_type in _POOLS and layout.axis != 1):
        return None
    return layout


def _conv(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout = _given(found, node)
    if not _is_constant(node.inputs[1]):
        return None
    outputs = _shape(node.inputs[1])[0]
    if node.attributes.get_int("group", 1) == 1:
        ids = _make(found, node, outputs, 0)
        _read(found, node, layout, 1, 1)
        return Layout(1, ids)
    if layout is not None and layout.axis == 1 and _is_depthwise(node, len(layout.ids)):
        ids = np.repeat(layout.ids, outputs // len(layout.ids))
        found.slices.append(Slice(node, 1, 0, ids, True))
        _bias(found, node, ids)
        return Layout(1, ids)
    return None


def _gemm(found: Channels, node: onnx_ir.Node) -> Layout | None:
    shape = _shape(node.inputs[1])
    turned = int(node.attributes.get_int("transA", 0))
    if not _is_constant(node.inputs[1]) or turned or len(shape) != 2:
        return None
    axis = 1 - int(node.attributes.get_int("transB", 0))
    last = len(_shape(node.inputs[0])) - 1
    ids = _make(found, node, shape[axis], axis)
    _read(found, node, _given(found, node), last, 1 - axis)
    return Layout(last, ids)


def _read(
    found: Channels, node: onnx_ir.Node, layout: Layout | None, wanted: int, axis: int
) -> None:
    """The weights have the channels of the input along `axis`, if those lie where they should."""
    if layout is not None and layout.axis == wanted:
        found.slices.append(Slice(node, 1, axis, layout.ids, False))
    else:
        found.lock(node.inputs[0])


def _make(found: Channels, node: onnx_ir.Node, count: int, axis: int) -> Ids:
    ids = found.new(count)
    found.made[node.name or ""] = ids
    found.slices.append(Slice(node, 1, axis, ids, True))
    _bias(found, node, ids)
    return ids


def _bias(found: Channels, node: onnx_ir.Node, ids: Ids) -> None:
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    shape = _shape(bias)
    if _is_constant(bias) and shape and shape[-1] == len(ids) and len(ids) > 1:
        found.slices.append(Slice(node, 2, len(shape) - 1, ids, True))


def _norm(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout = _given(found, node)
    if layout is None or layout.axis != 1 or not all(map(_is_constant, node.inputs[1:5])):
        return None
    found.slices += [Slice(node, index, 0, layout.ids, False) for index in range(1, 5)]
    return layout


def _binary(found: Channels, node: onnx_ir.Node) -> Layout | None:
    """Operands broadcast against each other from the right."""
    rank = len(_shape(node.outputs[0]))
    computed = [(v, found.layouts[v]) for v in node.inputs if v in found.layouts]
    if len(computed) + sum(map(_is_constant, node.inputs)) < len(node.inputs):
        return None
    axes = {layout.axis + rank - len(_shape(value)) for value, layout in computed}
    if len(axes) != 1:
        return None
    (axis,) = axes
    wide = [layout.ids for _, layout in computed if len(layout.ids) > 1]
    ids = wide[0] if wide else computed[0][1].ids
    if _shape(node.outputs[0])[axis] != len(ids):
        return None
    for other in wide[1:]:
        found.join(ids, other)
    for index, value in enumerate(node.inputs):
        place = axis - rank + len(_shape(value))
        if _is_constant(value) and place >= 0 and _shape(value)[place] == len(ids) > 1:
            found.slices.append(Slice(node, index, place, ids, False))
    return Layout(axis, ids)


def _flatten(found: Channels, node: onnx_ir.Node) -> Layout | None:
    """Flatten or Reshape: all of a sample in one row, or only axes of size 1 that come and go."""
    layout = _given(found, node)
    if layout is None:
        return None
    before, after = _shape(node.inputs[0]), _shape(node.outputs[0])
    if layout.axis == 1 and before[0] == 1 and after == (1, math.prod(before)):
        return Layout(1, np.repeat(layout.ids, math.prod(before[2:])))
    if [n for n in before if n > 1] != [n for n in after if n > 1] or len(layout.ids) == 1:
        return None
    wide = [axis for axis, n in enumerate(before) if n > 1]
    place = wide.index(layout.axis)
    return Layout([axis for axis, n in enumerate(after) if n > 1][place], layout.ids)


def _transpose(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout = _given(found, node)
    order = node.attributes.get_ints("perm")
    if layout is None or order is None:
        return None
    return Layout(list(order).index(layout.axis), layout.ids)


def _concat(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layouts = [found.layouts.get(value) for value in node.inputs if value is not None]
    known = [layout for layout in layouts if layout is not None]
    if len(known) < len(node.inputs) or len({layout.axis for layout in known}) != 1:
        return None
    axis = node.attributes.get_int("axis") % len(_shape(node.outputs[0]))
    ids = [layout.ids for layout in known]
    if axis == known[0].axis:
        return Layout(axis, np.concatenate(ids))
    for other in ids[1:]:
        found.join(ids[0], other)
    return known[0]


def _reduce(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout = _given(found, node)
    if layout is None:
        return None
    rank = len(_shape(node.inputs[0]))
    given: Any = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    given = node.attributes.get_ints("axes", ()) if given is None else given
    axes = {int(axis) % rank for axis in given}
    if not axes or layout.axis in axes:
        return None
    gone = 0 if node.attributes.get_int("keepdims", 1) else sum(a < layout.axis for a in axes)
    return Layout(layout.axis - gone, layout.ids)


def _pad(found: Channels, node: onnx_ir.Node) -> Layout | None:
    layout, pads = _given(found, node), constant(node.inputs[1])
    if layout is None or pads is None or len(node.inputs) > 3:
        return None
    rank = len(_shape(node.inputs[0]))
    return None if pads[layout.axis] or pads[layout.axis + rank] else layout


_RULES: Mapping[str, Callable[[Channels, Any], Layout | None]] = {
    **dict.fromkeys(_PASSING, _pass),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), _flatten),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum"), _reduce),
    "PRelu": _binary,
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _gemm,
    "BatchNormalization": _norm,
    "Transpose": _transpose,
    "Concat": _concat,
    "Pad": _pad,
}


def kept_of(
    found: Channels, groups: Iterable[Ids], counts: Iterable[int], worth: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which classes stay: the `counts` most important of each group, and all that are locked."""
    kept = np.ones(len(found.parent), np.bool_)
    for group, count in zip(groups, counts, strict=True):
        order = np.argsort(worth[group], kind="stable")
        kept[group[order[: len(group) - count]]] = False
    return kept


def counts_at(groups: Iterable[Ids], ratio: float, multiple: int) -> Iterator[int]:
    """Channels to keep of each group at a ratio of removal: a multiple, at least one of it."""
    for group in groups:
        wanted = len(group) * (1 - ratio) / multiple
        yield min(len(group), max(1, math.floor(wanted + 0.5)) * multiple)
