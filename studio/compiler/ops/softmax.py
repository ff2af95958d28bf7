"""Softmax over one axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from studio.compiler.kernels.softmax_s8 import softmax_factors
from studio.compiler.layout import Layout
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

OUTPUT = Quant(
    1 / 256, -128
)  # probabilities from 0 to 255/256: the form that the int8 kernel gives
LONGEST = 8191  # values in a row, so that the int8 kernel's sum does not overflow


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
    integer = site.quant is not None and x.quant is not None and n <= LONGEST
    if not integer:
        x = lowering.in_float(site, "its result is not quantised, or its rows are long").tensor()
    lay = Layout(x.shape, order)
    x = lowering.laid_out(x, lay)
    params: dict[str, float] = {"rows": math.prod(x.shape) // n, "n": n}
    if x.quant is None or site.quant is None:
        out = lowering.output(site, lay)
        lowering.call("tms_softmax_f32", (x,), out, params)
        return out
    out = lowering.output(site, lay, OUTPUT)
    lowering.call("tms_softmax_s8", (x,), out, {**params, **softmax_factors(x.quant.scale)})
    return lowering.requantized(out, site.quant)


OPERATORS = (Operator(("Softmax",), lower_softmax),)
