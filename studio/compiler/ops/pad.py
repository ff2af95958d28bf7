"""Pad: with a constant, or with what lies inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler.builder import width_of
from studio.compiler.layout import Layout, Shape
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site
from studio.compiler.ops.take import taken

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

AXES = 4  # that the kernel walks
_WIDE = "the padding lies outside the range of what is padded"


def lower_pad(site: Site, lowering: Lowering) -> Tensor:
    """Padding as the tensor is stored; negative padding crops."""
    x = site.tensor()
    before, after = _amounts(site, len(x.shape))
    if min(before + after, default=0) == max(before + after, default=0) == 0:
        return lowering.settled(x, site.quant)
    if site.attributes.get("mode", "constant") != "constant":
        return _by_list(site, lowering, before, after)
    if x.quant is not None and not _reaches(x.quant, _value(site)):
        # Saturated, the padding would be another value to those who read it on a wider grid.
        x = (
            lowering.settled(x, site.quant)
            if site.quant
            else lowering.in_float(site, _WIDE).tensor()
        )
    x, order = lowering.by_axis(x)
    lay = Layout(site.shape, order)
    out = lowering.result(site.output, site.shape, lay, x.dtype, x.quant)
    params = {**_walked(site, x.shape, order, before, after), "value": _bits(site, x)}
    lowering.call(f"tms_pad_{width_of(x.dtype)}", (x,), out, params)
    return lowering.settled(out, site.quant)


def _walked(
    site: Site, shape: Shape, order: Shape, before: Shape, after: Shape
) -> dict[str, tuple[int, ...]]:
    """Sizes and padding along stored axes; an axis that is not padded joins the one before it."""
    axes: list[tuple[int, int, int]] = []
    for axis in order:
        if axes and not before[axis] and not after[axis]:
            n = shape[axis]
            axes[-1] = (axes[-1][0] * n, axes[-1][1] * n, axes[-1][2] * n)
        else:
            axes.append((shape[axis], before[axis], after[axis]))
    if len(axes) > AXES:
        raise site.refused(f"{len(axes)} padded axes", "up to four are supported")
    columns = zip(*[(1, 0, 0)] * (AXES - len(axes)), *axes, strict=True)
    return dict(zip(("shape", "before", "after"), columns, strict=True))


def _reaches(quant: Quant, value: float) -> bool:
    """Whether a real value lies in the range of a grid."""
    low, high = ((limit - quant.zero_point) * quant.scale for limit in quant.limits)
    return low - quant.scale / 2 <= value <= high + quant.scale / 2


def _bits(site: Site, x: Tensor) -> int:
    """The padding as the bit pattern of an element."""
    value = _value(site)
    if x.quant is not None:
        return x.quant.stored(value)
    return int(np.float32(value).view(np.int32)) if x.dtype == "float32" else int(value)


def _by_list(site: Site, lowering: Lowering, before: Shape, after: Shape) -> Tensor:
    """Edge, reflect and wrap: axis by axis, each place of the result by its number inside."""
    mode = site.attributes["mode"]
    if mode not in ("edge", "reflect", "wrap"):
        raise site.refused(f"mode '{mode}'", "constant, edge, reflect and wrap are supported")
    x = site.tensor()
    for axis, size in enumerate(x.shape):
        if not before[axis] and not after[axis]:
            continue
        place = np.arange(-before[axis], size + after[axis])
        if mode == "edge":
            index = place.clip(0, size - 1)
        elif mode == "wrap":
            index = place % size
        else:
            period = max(2 * (size - 1), 1)
            index = (size - 1) - np.abs(place % period - (size - 1))
        x = taken(lowering, x, f"{site.output}_{axis}", axis, index.astype(np.int32))
    return lowering.settled(x, site.quant)


def _amounts(site: Site, rank: int) -> tuple[Shape, Shape]:
    """Elements before and after each axis."""
    given: Any = site.attributes.get("pads")
    pads = given if site.optional(1) is None else site.const(1).stored.tolist()
    axes_operand = site.optional(3)
    axes = range(rank) if axes_operand is None else [int(a) % rank for a in site.const(3).stored]
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = int(pads[place]), int(pads[place + len(pads) // 2])
    return tuple(before), tuple(after)


def _value(site: Site) -> float:
    operand = site.optional(2)
    if isinstance(operand, Const):
        return float(operand.real.reshape(-1)[0]) if operand.stored.size else 0.0
    if operand is not None:
        raise site.refused("a value that is computed at run time", "pad with a constant")
    return float(site.attributes.get("value", 0.0))


OPERATORS = (Operator(("Pad",), lower_pad, int16=True, dtypes=ANY_DTYPE),)
