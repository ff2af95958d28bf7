"""Concat along one axis: each input is copied to its place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler.builder import width_of
from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import ANY_DTYPE, Operand, Operator, Site
from studio.compiler.ops.streaming import shifted

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_concat(site: Site, lowering: Lowering) -> Tensor:
    """All inputs in the first one's layout and, in integers, with the output's scale."""
    parts = [part for part in site.inputs if part is not None]
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if not tensors:
        raise site.refused("all operands are constants", "fold constants first")
    quant = site.quant or _common_quant(tensors)
    if quant is None or any(tensor.quant is None for tensor in tensors):
        site = lowering.in_float(site, "its operands are quantised differently")
        parts, quant = [part for part in site.inputs if part is not None], None
    parts = [_under(lowering, part, quant) for part in parts]
    first = next(part for part in parts if isinstance(part, Tensor))
    if any(isinstance(part, Tensor) and part.dtype != first.dtype for part in parts):
        raise site.refused("operands of several types", "convert them to one type")
    moved = shifted(site, lowering, parts, quant)
    if moved is not None:
        return moved
    _, order = lowering.by_axis(first)
    out = lowering.result(site.output, site.shape, Layout(site.shape, order), first.dtype, quant)
    place = order.index(int(site.attributes["axis"]) % len(site.shape))
    rows = math.prod(site.shape[axis] for axis in order[:place])
    stride = math.prod(site.shape) // rows
    start = 0
    for part in parts:
        n = math.prod(part.shape) // rows
        params = {"rows": rows, "n": n, "in_stride": n, "out_stride": stride, "out_start": start}
        source: Tensor | str
        if isinstance(part, Const):
            stored = part.stored.astype(first.dtype).transpose(order)
            source = lowering.constant(f"{site.name}_operand", stored.reshape(-1))
        else:
            source = lowering.laid_out(part, Layout(part.shape, order))
        lowering.call(f"tms_copy_{width_of(out.dtype)}", (source,), out, params)
        start += n
    return out


def _under(lowering: Lowering, part: Operand, quant: Quant | None) -> Operand:
    """An operand under the scale of all, or as it is."""
    if isinstance(part, Tensor):
        return part if quant is None else lowering.requantized(part, quant)
    if quant is None:
        return Const(part.name, part.stored if part.scale is None else part.real)
    stored = np.rint(part.real / quant.scale) + quant.zero_point
    return Const(part.name, np.clip(stored, *quant.limits).astype(quant.dtype))


def _common_quant(parts: list[Tensor]) -> Quant | None:
    """The scale that all inputs share, so that no QuantizeLinear is needed behind."""
    quants = {part.quant for part in parts}
    return quants.pop() if len(quants) == 1 else None


OPERATORS = (Operator(("Concat",), lower_concat, int16=True, dtypes=ANY_DTYPE),)
