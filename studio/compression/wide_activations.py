"""Int16 for some of the activations of a graph in QDQ form, where it silences the most noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler.lower import lower
from studio.compression.constants import constant
from studio.compression.post_training import Draft
from studio.compression.qdq import Grid
from studio.errors import Unsupported
from studio.job import Job, Progress
from studio.model.evaluate import infer
from studio.model.model import Model

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
        return sum(int(np.prod(value.shape.numpy())) for value in self.stored if value.shape)

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
            value.const_value = onnx_ir.tensor(np.asarray(number), name=value.name)
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


def placed(model: Model, growth_percent: float) -> list[str]:
    """The same for a preview: the smallest activations, in place of the noisiest."""
    graph, limit = model.ir.graph, _arena_of(model) * (1 + growth_percent / 100)
    chosen = []
    for group in sorted(groups(graph), key=lambda group: group.elements):
        narrow, wide = group.widened()
        group.put(wide)
        if _arena_of(Model.from_ir(model.ir, model.name)) > limit:
            group.put(narrow)
            break
        chosen.append(group.name)
    return chosen


def _best_first(gains: list[float]) -> Iterator[int]:
    """Indices of those that help, the most helpful first."""
    order = np.argsort(-np.array(gains), kind="stable").tolist()
    return (index for index in order if gains[index] > 0)


def _noise(draft: Draft, judged: Array, reference: Array) -> float:
    return float(np.square(infer(draft.model(), judged)[0] - reference).mean())


def _arena(draft: Draft) -> float:
    return _arena_of(draft.model())


def _arena_of(model: Model) -> float:
    """Bytes of the arena; 0 where the net has no form in C and nothing is to be saved."""
    try:
        return lower(model).arena_bytes
    except Unsupported:
        return 0
