"""Int16 for some of the activations of a graph in QDQ form, where it silences the most noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler.lower import VIEWS, lower
from studio.compression.constants import constant
from studio.compression.post_training import Draft
from studio.compression.qdq import Grid
from studio.errors import Unsupported
from studio.job import Job, Progress
from studio.model.evaluate import infer

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Group:
    """Activations that share a grid: its scale and zero point, and the integers on it."""

    name: str
    scale: onnx_ir.Value
    zero_point: onnx_ir.Value
    stored: tuple[onnx_ir.Value, ...]

    @property
    def elements(self) -> int:
        """Elements of all its activations."""
        return sum(map(_elements, self.stored))

    def widened(self) -> tuple[Grid, Grid]:
        """The int8 grid that it has, and the int16 grid over the same range."""
        scale, zero = constant(self.scale), constant(self.zero_point)
        assert scale is not None and zero is not None
        step, origin = float(scale), int(zero)
        wide = Grid.symmetric((-128 - origin) * step, (127 - origin) * step)
        return Grid(np.float32(step), np.int8(origin)), wide

    def put(self, grid: Grid) -> None:
        """Give it another grid."""
        import onnx_ir

        dtype = onnx_ir.DataType.from_numpy(grid.zero_point.dtype)
        for value, number in ((self.scale, grid.scale), (self.zero_point, grid.zero_point)):
            value.const_value = onnx_ir.Tensor(np.asarray(number), name=value.name)
        for value in (self.zero_point, *self.stored):
            value.dtype = dtype


def groups(graph: onnx_ir.Graph) -> list[Group]:
    """The int8 activations of a graph by the grid that they share, in order."""
    found: dict[onnx_ir.Value, list[onnx_ir.Node]] = {}
    for node in graph:
        if node.op_type == "QuantizeLinear" and node.inputs[1] is not None:
            found.setdefault(node.inputs[1], []).append(node)
    result = []
    for scale, nodes in found.items():
        zero_point = nodes[0].inputs[2] if len(nodes[0].inputs) > 2 else None
        values = constant(zero_point)
        if zero_point is not None and values is not None and values.dtype == np.int8:
            name = (scale.name or "").removesuffix("/scale")
            result.append(Group(name, scale, zero_point, tuple(n.outputs[0] for n in nodes)))
    return result


def widen(draft: Draft, judged: Array, reference: Array, growth_percent: float) -> Job[list[str]]:
    """Give int16 to activations, the most noise for a byte first, while the arena allows it.

    Args:
        draft: an int8 graph; it is changed.
        judged: samples to measure noise on.
        reference: what the float net answers to them.
        growth_percent: by how much the arena of the plan `layerwise` may grow.

    Returns:
        The names of the values that became int16.
    """
    every = groups(draft.ir.graph)
    limit = _arena(draft) * (1 + growth_percent / 100)
    least = _noise(draft, judged, reference)
    gains = []
    for index, group in enumerate(every):
        yield Progress(f"Trying int16 for {group.name}", index / len(every))
        narrow, wide = group.widened()
        group.put(wide)
        gains.append((least - _noise(draft, judged, reference)) / max(group.elements, 1))
        group.put(narrow)
    chosen: list[str] = []
    for index in _best_first(gains):
        group = every[index]
        yield Progress(f"Giving int16 to {group.name}")
        narrow, wide = group.widened()
        group.put(wide)
        fits = _arena(draft) <= limit
        noise = _noise(draft, judged, reference) if fits else least
        if noise < least:
            least = noise
            chosen.append(group.name)
        else:
            group.put(narrow)
    return chosen


def placed(graph: onnx_ir.Graph, growth_percent: float) -> list[str]:
    """The same for a preview: the smallest activations first, in place of the noisiest.

    The arena is taken for the most bytes that live at once in the graph's own order.
    """
    every = groups(graph)
    lives = _Lives.of(graph, every)
    wide = np.zeros(len(every), np.bool_)
    limit = lives.most_bytes(wide) * (1 + growth_percent / 100)
    for index in sorted(range(len(every)), key=lambda index: every[index].elements):
        wide[index] = True
        wide[index] = lives.most_bytes(wide) <= limit
        if wide[index]:
            every[index].put(every[index].widened()[1])
    return [group.name for group, chosen in zip(every, wide, strict=True) if chosen]


@dataclass(frozen=True, slots=True)
class _Lives:
    """Elements of each group at each moment [moments, groups]; a QuantizeLinear is a moment.

    Attributes:
        alive: of activations that were written and are yet to be read.
        touched: of those that the moment reads or writes.
    """

    alive: npt.NDArray[np.int64]
    touched: npt.NDArray[np.int64]

    @classmethod
    def of(cls, graph: onnx_ir.Graph, every: list[Group]) -> _Lives:
        """The lives of the stored activations of a graph."""
        owner = {value: index for index, group in enumerate(every) for value in group.stored}
        stores = [node for node in graph if node.outputs[0] in owner]
        alive, touched = np.zeros((2, len(stores), len(every)), np.int64)
        home: dict[onnx_ir.Value, onnx_ir.Value] = {}  # a view lies where its source lies
        life: dict[onnx_ir.Value, list[int]] = {}
        for moment, node in enumerate(stores):
            sources, views = _read(node.inputs[0], owner)
            value = node.outputs[0]
            read = {home[source] for source in sources}
            home[value] = next(iter(read)) if views and len(read) == 1 else value
            for place in read | {home[value]}:
                life.setdefault(place, []).append(moment)
                touched[moment, owner[place]] += 0 if views else _elements(place)
        for source in (source for out in graph.outputs for source in _read(out, owner)[0]):
            life[home[source]].append(len(stores) - 1)
        for place, moments in life.items():
            alive[moments[0] : moments[-1] + 1, owner[place]] += _elements(place)
        return cls(alive, touched)

    def most_bytes(self, wide: npt.NDArray[np.bool_]) -> int:
        """The most that lives at once where these groups are int16.

        Who touches both widths computes in int16, on copies of what is int8.
        """
        taken = self.alive @ (1 + wide)
        mixed = self.touched[:, wide].any(axis=1) & self.touched[:, ~wide].any(axis=1)
        return int((taken + 2 * mixed * (self.touched @ ~wide)).max(initial=0))


def _read(
    value: onnx_ir.Value | None, owner: Mapping[onnx_ir.Value, int]
) -> tuple[set[onnx_ir.Value], bool]:
    """The stored activations that a value is made of, and whether it only views them."""
    found: set[onnx_ir.Value] = set()
    views, pending = True, [value]
    for each in pending:
        maker = each.producer() if each is not None else None
        if maker is None:
            continue
        if maker.op_type != "DequantizeLinear":
            views = views and maker.op_type in VIEWS
            pending += [source for source in maker.inputs if source not in pending]
        elif (stored := maker.inputs[0]) is not None and stored in owner:
            found.add(stored)
    return found, views


def _elements(value: onnx_ir.Value) -> int:
    return int(np.prod(value.shape.numpy())) if value.shape is not None else 0


def _best_first(gains: list[float]) -> Iterator[int]:
    """Indices of those that help, the most helpful first."""
    order = np.argsort(-np.array(gains), kind="stable").tolist()
    return (index for index in order if gains[index] > 0)


def _noise(draft: Draft, judged: Array, reference: Array) -> float:
    return float(np.square(infer(draft.model(), judged)[0] - reference).mean())


def _arena(draft: Draft) -> float:
    """Bytes of the arena; 0 where the net has no form in C and nothing is to be saved."""
    try:
        return lower(draft.model()).arena_bytes
    except Unsupported:
        return 0
