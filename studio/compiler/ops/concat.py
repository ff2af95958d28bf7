"""Concat along one axis: each input is copied to its place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from studio.compiler import layout
from studio.compiler.layout import Layout
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_concat(site: Site, lowering: Lowering) -> Tensor:
    """All inputs in one layout and, in int8, with the output's scale."""
    parts = [site.tensor(index) for index in range(len(site.inputs))]
    quant = site.quant or _common_quant(parts)
    if quant is None or any(part.quant is None for part in parts):
        site = lowering.in_float(site, "its operands are quantised differently")
        parts, quant = [site.tensor(index) for index in range(len(site.inputs))], None
    else:
        parts = [lowering.requantized(part, quant) for part in parts]
    rank = len(site.shape)
    order = layout.common_order([(part.shape, part.layout) for part in parts])
    parts = [lowering.laid_out(part, Layout(part.shape, order)) for part in parts]
    lay = Layout(site.shape, order)
    out = lowering.output(site, lay, quant, parts[0].dtype)
    place = lay.order.index(int(site.attributes["axis"]) % rank)
    rows = math.prod(site.shape[axis] for axis in lay.order[:place])
    stride = math.prod(site.shape) // rows
    start = 0
    for part in parts:
        n = math.prod(part.shape) // rows
        params = {"rows": rows, "n": n, "in_stride": n, "out_stride": stride, "out_start": start}
        lowering.call(f"tms_copy_{_width(part)}", (part,), out, params)
        start += n
    return out


def _common_quant(parts: list[Tensor]) -> Quant | None:
    """The scale that all inputs share, so that no QuantizeLinear is needed behind."""
    quants = {part.quant for part in parts}
    return quants.pop() if len(quants) == 1 else None


def _width(tensor: Tensor) -> str:
    return "b8" if tensor.dtype in ("int8", "uint8", "bool") else "b32"


OPERATORS = (Operator(("Concat",), lower_concat),)
