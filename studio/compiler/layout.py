"""How a tensor lies in memory, and what it takes to lay it out otherwise.

A tensor keeps the row-major order of its ONNX shape in `view` (some shape with as many
elements) and stores the axes of that view in `order`: stored = reshape(logical,
view).transpose(order). So Reshape, Flatten and Squeeze cost nothing, a Transpose only
permutes names, and a copy is needed only where a kernel asks for an order that differs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """A view of the logical tensor and the order in which its axes are stored."""

    view: Shape
    order: Shape

    @cached_property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """(size, step in the logical row-major index) a stored axis, outermost first.

        Axes of size 1 are dropped and neighbours that step as one are merged, so that two
        layouts store the same bytes exactly if their runs are equal.
        """
        steps = row_major(self.view)
        merged: list[tuple[int, int]] = []
        for axis in self.order:
            size, step = self.view[axis], steps[axis]
            if size == 1:
                continue
            if merged and merged[-1][1] == size * step:
                merged[-1] = (merged[-1][0] * size, step)
            else:
                merged.append((size, step))
        return tuple(merged)

    def same_as(self, other: Layout) -> bool:
        """True where both store the same bytes."""
        return self.runs == other.runs


def row_major(shape: Shape) -> Shape:
    """Element strides of a row-major array."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def plain(shape: Shape) -> Layout:
    """Stored as ONNX means it."""
    return Layout(shape, tuple(range(len(shape))))


def channels_last(shape: Shape) -> Layout:
    """[n, c, spatial...] stored as [n, spatial..., c]."""
    return Layout(shape, (0, *range(2, len(shape)), 1))


def spatial(shape: Shape) -> tuple[int, int, int]:
    """(height, width, channels) of [1, c, h, w] or [1, c, length]; a length is a height of rows."""
    channels = shape[1]
    height, width = (*shape[2:], 1)[:2]
    return height, width, channels


def axis_order(shape: Shape, lay: Layout) -> Shape | None:
    """The axes of a shape in stored order; None where an axis is stored in pieces."""
    axis_of = {step: axis for axis, step in enumerate(row_major(shape)) if shape[axis] > 1}
    order: list[int] = []
    for size, step in lay.runs:
        merged: list[int] = []  # a run may be several axes; its step is the innermost one's
        while size > 1:
            axis = axis_of.get(step)
            if axis is None or size % shape[axis]:
                return None
            merged.insert(0, axis)
            size, step = size // shape[axis], step * shape[axis]
        order += merged
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(ones + order)


def common_order(tensors: Sequence[tuple[Shape, Layout]]) -> Shape:
    """An order of axes in which as many tensors of one rank as possible are stored already."""
    rank = len(tensors[0][0])
    usual = channels_last(tensors[0][0]).order if rank in (3, 4) else tuple(range(rank))
    found = [axis_order(shape, lay) for shape, lay in tensors]
    candidates = [usual, *(order for order in found if order is not None)]

    def copies(order: Shape) -> int:
        return sum(not lay.same_as(Layout(shape, order)) for shape, lay in tensors)

    return min(candidates, key=copies)


def copy_plan(source: Layout, target: Layout) -> tuple[Shape, Shape]:
    """Shape of the target and, for each of its axes, the step in the source's memory.

    Both layouts are cut at every axis border of either, which needs borders that divide
    each other, as those of reshaped and permuted tensors do.

    Raises:
        ValueError: the borders do not divide each other.
    """
    atoms = _atoms(source.view, target.view)
    steps_in_source = {}
    step = 1
    for atom in reversed(_split(source, atoms)):
        steps_in_source[atom] = step
        step *= atom[0]
    plan: list[tuple[int, int]] = []
    for atom in _split(target, atoms):
        size, step = atom[0], steps_in_source[atom]
        if size == 1:
            continue
        if plan and plan[-1][1] == size * step:
            plan[-1] = (plan[-1][0] * size, step)
        else:
            plan.append((size, step))
    return tuple(size for size, _ in plan), tuple(step for _, step in plan)


def _atoms(*views: Shape) -> list[tuple[int, int]]:
    """(size, step) of the finest axes that all views can be cut into, outermost first."""
    borders = sorted({step for view in views for step in (*row_major(view), math.prod(view))})
    atoms = []
    for low, high in pairwise(borders):
        if high % low:
            raise ValueError(f"axis borders {low} and {high} do not divide each other")
        atoms.append((high // low, low))
    return atoms[::-1]


def _split(layout: Layout, atoms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The atoms in the order in which the layout stores them."""
    steps = row_major(layout.view)
    return [
        atom
        for axis in layout.order
        for atom in atoms
        if steps[axis] <= atom[1] < steps[axis] * layout.view[axis]
    ]
