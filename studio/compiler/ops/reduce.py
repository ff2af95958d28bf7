"""GlobalAveragePool and ReduceMean: the mean over some axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_mean(site: Site, lowering: Lowering) -> Tensor:
    """Lay the reduced axes out as rows, the kept ones as channels, and average the rows."""
    x = site.tensor()
    axes = _axes(site, len(x.shape))
    if not axes:
        return x.reshaped(site.shape)
    if site.quant is None or x.quant is None:
        site = lowering.in_float(site, "its result is not quantised")
        x = site.tensor()
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    x = lowering.laid_out(x, Layout(x.shape, axes + kept))
    rows = math.prod(x.shape[axis] for axis in axes)
    params: dict[str, float] = {"rows": rows, "channels": math.prod(x.shape) // rows}
    out_layout = Layout(site.shape, tuple(range(len(site.shape))))
    if x.quant is None or site.quant is None:
        out = lowering.output(site, out_layout)
        lowering.call("tms_mean_f32", (x,), out, params)
        return out
    out = lowering.output(site, out_layout, site.quant)
    multiplier, shift = mean_factor(x.quant.scale / site.quant.scale, rows)
    params |= {
        "in_offset": -x.quant.zero_point,
        "out_offset": site.quant.zero_point,
        "act_min": -128,
        "act_max": 127,
        "multiplier": multiplier,
        "shift": shift,
    }
    lowering.call("tms_mean_s8", (x,), out, params)
    return out


def mean_factor(real: float, rows: int) -> tuple[int, int]:
    """A factor divided by a count, as multiplier and shift.

    The count divides the multiplier after it was made as large as it may be, as TFLite's
    mean does (kernels/reduce.cc), which differs from dividing the real factor in the last bit.
    """
    multiplier, shift = quantize_multiplier(real)
    headroom = min(rows.bit_length() - 1, 32, 31 + shift)
    return (multiplier << headroom) // rows, shift - headroom


def _axes(site: Site, rank: int) -> tuple[int, ...]:
    """The reduced axes, ascending; an attribute before opset 18, an operand since."""
    if site.op_type == "GlobalAveragePool":
        return tuple(range(2, rank))
    operand = site.optional(1)
    axes = operand.stored.tolist() if isinstance(operand, Const) else site.attributes.get("axes")
    if axes is None:
        return () if site.attributes.get("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted(int(axis) % rank for axis in axes))


OPERATORS = (Operator(("GlobalAveragePool", "ReduceMean"), lower_mean),)
