"""Softmax over one axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.layout import Layout
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

OUTPUT = Quant(1 / 256, -128)  # probabilities from 0 to 255/256: the form that the int8 kernel gives
INTEGER_BITS = 5  # of the differences that the int8 kernel takes exp of


def lower_softmax(site: Site, lowering: Lowering) -> Tensor:
    """Rows of the softmax axis, innermost; int8 where operand and result are."""
    x = site.tensor()
    rank = len(x.shape)
    axis = int(site.attributes.get("axis", -1 if site.opset >= 13 else 1)) % rank
    if site.opset >= 13:
        order = (*(other for other in range(rank) if other != axis), axis)
        n = x.shape[axis]
    else:  # axis and all that follow are one
        order, n = tuple(range(rank)), math.prod(x.shape[axis:])
    if site.quant is None or x.quant is None:
        x = lowering.in_float(site, "its result is not quantised").tensor()
    lay = Layout(x.shape, order)
    x = lowering.laid_out(x, lay)
    params: dict[str, float] = {"rows": math.prod(x.shape) // n, "n": n}
    if site.quant is None or x.quant is None:
        out = lowering.output(site, lay)
        lowering.call("tms_softmax_f32", (x,), out, params)
        return out
    out = lowering.output(site, lay, OUTPUT)
    lowering.call("tms_softmax_s8", (x,), out, {**params, **_fixed_point(x.quant.scale)})
    return lowering.requantized(out, site.quant)


def _fixed_point(scale: float) -> dict[str, int]:
    """Scale of the differences in Q(INTEGER_BITS), and the one below which exp is nothing."""
    real = min(scale * (1 << (31 - INTEGER_BITS)), float((1 << 31) - 1))
    multiplier, shift = quantize_multiplier(real)
    largest = ((1 << INTEGER_BITS) - 1) * (1 << (31 - INTEGER_BITS)) / (1 << shift)
    return {"multiplier": multiplier, "shift": shift, "diff_min": -math.floor(largest)}


OPERATORS = (Operator(("Softmax",), lower_softmax),)
