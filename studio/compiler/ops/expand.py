"""Expand and Tile: the same elements several times, by steps of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.compiler.broadcasting import merged
from studio.compiler.builder import MOST_AXES
from studio.compiler.layout import Layout, row_major
from studio.compiler.operand import Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_repeat(site: Site, lowering: Lowering) -> Tensor:
    """Every axis as often as its size in the result says."""
    x = site.tensor()
    rank = len(site.shape)
    x, order = lowering.by_axis(x.reshaped((1,) * (rank - len(x.shape)) + x.shape))
    steps = row_major(tuple(x.shape[axis] for axis in order))
    sizes: list[int] = []
    strides: list[int] = []
    for axis, step in zip(order, steps, strict=True):  # how often, then the axis itself
        sizes += [site.shape[axis] // x.shape[axis], x.shape[axis]]
        strides += [0, step]
    walked, (merged_strides,) = merged(tuple(sizes), [tuple(strides)])
    if len(walked) > MOST_AXES:
        raise site.refused(f"repeats along {len(walked)} axes", "repeat fewer axes at once")
    lay = Layout(site.shape, order)
    out = lowering.result(site.output, site.shape, lay, x.dtype, x.quant)
    lowering.strided(x, out, walked, merged_strides, 0)
    return lowering.settled(out, site.quant)


OPERATORS = (Operator(("Expand", "Tile"), lower_repeat, int16=True, dtypes=ANY_DTYPE),)
