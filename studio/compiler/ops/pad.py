"""Pad with a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.compiler import layout
from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_pad(site: Site, lowering: Lowering) -> Tensor:
    """Constant padding of up to four axes, as the tensor is stored."""
    if site.attributes.get("mode", "constant") != "constant":
        raise site.refused(f"mode '{site.attributes['mode']}'", "constant padding is supported")
    x = site.tensor()
    rank = len(x.shape)
    if rank > 4:
        raise site.refused(f"{rank} axes", "up to four are supported")
    before, after = _amounts(site, rank)
    if min(before + after) < 0:
        raise site.refused("negative padding", "use Slice")
    order = layout.common_order([(x.shape, x.layout)])
    x = lowering.laid_out(x, Layout(x.shape, order))
    lead = (0,) * (4 - rank)
    out = lowering.output(site, Layout(site.shape, order), x.quant, x.dtype)
    value = _value(site)
    bits = x.quant.stored(value) if x.quant else int(np.float32(value).view(np.int32))
    params = {
        "shape": (1,) * (4 - rank) + tuple(x.shape[axis] for axis in order),
        "before": lead + tuple(before[axis] for axis in order),
        "after": lead + tuple(after[axis] for axis in order),
        "value": bits,
    }
    lowering.call("tms_pad_b8" if x.dtype == "int8" else "tms_pad_b32", (x,), out, params)
    return out if site.quant is None else lowering.requantized(out, site.quant)


def _amounts(site: Site, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Elements before and after each axis."""
    given = site.optional(1) is not None
    pads = site.const(1).stored.tolist() if given else site.attributes["pads"]
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
    return float(site.attributes.get("value", 0.0))


OPERATORS = (Operator(("Pad",), lower_pad),)
