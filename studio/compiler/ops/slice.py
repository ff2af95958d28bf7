"""Slice and Split: part of a tensor, by strides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.compiler.broadcasting import merged
from studio.compiler.layout import Layout, Shape, row_major
from studio.compiler.operand import Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_slice(site: Site, lowering: Lowering) -> Tensor:
    """Starts, ends, axes and steps that are known now."""
    x = site.tensor()
    rank = len(x.shape)
    starts, ends, axes, steps = (_numbers(site, index) for index in range(1, 5))
    assert starts is not None
    assert ends is not None
    axes = axes or list(range(len(starts)))
    steps = steps or [1] * len(starts)
    first, step_of = [0] * rank, [1] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        first[axis % rank], _, step_of[axis % rank] = slice(start, end, step).indices(x.shape[axis])
    part = part_of(lowering, x, site.output, site.shape, tuple(first), tuple(step_of))
    return lowering.settled(part, site.quant)


def lower_split(site: Site, lowering: Lowering) -> tuple[Tensor, ...]:
    """One slice for each part."""
    x = site.tensor()
    axis = int(site.attributes.get("axis", 0)) % len(x.shape)
    sizes = _numbers(site, 1) or list(site.attributes.get("split") or ())
    if not sizes:
        n = int(site.attributes.get("num_outputs", len(site.results)))
        each = -(-x.shape[axis] // n)
        sizes = [min(each, x.shape[axis] - i * each) for i in range(n)]
    parts, start = [], 0
    for number, size in enumerate(sizes):
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        first = tuple(start if other == axis else 0 for other in range(len(shape)))
        name = site.results[number].name if len(site.results) == len(sizes) else site.output
        parts.append(part_of(lowering, x, name, shape, first, (1,) * len(shape)))
        start += size
    return tuple(parts)


def part_of(
    lowering: Lowering, x: Tensor, name: str, shape: Shape, first: Shape, step_of: Shape
) -> Tensor:
    """The elements at first + i * step of each axis, laid out like the whole."""
    x, order = lowering.by_axis(x)
    steps = row_major(tuple(x.shape[axis] for axis in order))
    step_in = dict(zip(order, steps, strict=True))
    sizes = tuple(shape[axis] for axis in order)
    walked, (strides,) = merged(sizes, [tuple(step_in[a] * step_of[a] for a in order)])
    out = lowering.result(name, shape, Layout(shape, order), x.dtype, x.quant)
    start = sum(step_in[axis] * first[axis] for axis in order)
    lowering.strided(x, out, walked, strides, start)
    if set(step_of) == {1}:
        lowering.parts[out] = (x, first)
    return out


def _numbers(site: Site, index: int) -> list[int] | None:
    if site.optional(index) is None:
        return None
    return [int(number) for number in site.const(index).stored.reshape(-1)]


OPERATORS = (
    Operator(("Slice",), lower_slice, int16=True, dtypes=ANY_DTYPE),
    Operator(("Split",), lower_split, int16=True, dtypes=ANY_DTYPE),
)
