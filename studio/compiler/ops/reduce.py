"""Mean, sum, product, extremes and norms over some axes; global pooling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from studio.compiler.builder import SUFFIX
from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.layout import Layout, plain
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.conv import same_integers
from studio.compiler.scaling import clamp_integer

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

FLOAT = {
    "GlobalAveragePool": "mean", "GlobalMaxPool": "reduce_max", "ReduceL1": "reduce_l1",
    "ReduceL2": "reduce_sumsquare", "ReduceLogSum": "reduce_sum", "ReduceMax": "reduce_max",
    "ReduceMean": "mean", "ReduceMin": "reduce_min", "ReduceProd": "reduce_prod",
    "ReduceSum": "reduce_sum", "ReduceSumSquare": "reduce_sumsquare",
}  # fmt: skip
AFTERWARDS = {"ReduceL2": "tms_sqrt_f32", "ReduceLogSum": "tms_log_f32"}
SUMS = ("GlobalAveragePool", "ReduceMean", "ReduceSum")
EXTREMES = {"GlobalMaxPool": "max", "ReduceMax": "max", "ReduceMin": "min"}


def lower_reduction(site: Site, lowering: Lowering) -> Tensor:
    """Lay the reduced axes out as rows, the kept ones as channels, and fold the rows."""
    x = site.tensor()
    axes = reduced_axes(site, len(x.shape))
    if not axes:
        if site.op_type in AFTERWARDS or site.op_type in ("ReduceL1", "ReduceSumSquare"):
            raise site.refused("no axes", "remove the operator")
        return lowering.settled(x.reshaped(site.shape), site.quant)
    integer = x.quant is not None and (
        site.op_type in EXTREMES
        or (site.op_type in SUMS and same_integers(x.quant, site.quant) and _fits(site, axes))
    )
    if not integer:
        site = lowering.in_float(site, "it has no form for such operands in integers")
    x, params = as_rows(lowering, site.tensor(), axes)
    if x.quant is None:
        return _float(site, lowering, x, params)
    if site.op_type in EXTREMES:
        out = lowering.output(site, plain(site.shape), x.quant)
        kernel = f"tms_reduce_{EXTREMES[site.op_type]}_{SUFFIX[x.quant.dtype]}"
        lowering.call(kernel, (x,), out, params)
        return lowering.settled(out, site.quant)
    assert site.quant is not None
    return _sum_integer(site, lowering, x, params, x.quant, site.quant)


def _fits(site: Site, axes: tuple[int, ...]) -> bool:
    """Whether sums of int16 fit 32 bits, as those of int8 do in any model for a microcontroller."""
    rows = math.prod(site.tensor().shape[axis] for axis in axes)
    return site.tensor().dtype == "int8" or rows < 1 << 16


def as_rows(lowering: Lowering, x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, dict[str, Any]]:
    """The tensor as [rows][channels], the given axes in the rows, the others as they are named."""
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    x = lowering.laid_out(x, Layout(x.shape, axes + kept))
    rows = math.prod(x.shape[axis] for axis in axes)
    return x, {"rows": rows, "channels": math.prod(x.shape) // rows}


def _float(site: Site, lowering: Lowering, x: Tensor, params: dict[str, Any]) -> Tensor:
    out = lowering.output(site, plain(site.shape))
    lowering.call(f"tms_{FLOAT[site.op_type]}_f32", (x,), out, params)
    if site.op_type not in AFTERWARDS:
        return out
    whole = lowering.output(site, plain(site.shape))
    lowering.call(AFTERWARDS[site.op_type], (out,), whole, {"n": math.prod(site.shape)})
    return whole


def _sum_integer(
    site: Site, lowering: Lowering, x: Tensor, params: dict[str, Any], quant: Quant, to: Quant
) -> Tensor:
    """The mean kernel; a sum is a mean whose factor is not divided by the count."""
    out = lowering.output(site, plain(site.shape), to)
    rows = 1 if site.op_type == "ReduceSum" else params["rows"]
    multiplier, shift = mean_factor(quant.scale / to.scale, rows)
    params |= {
        "in_offset": -quant.zero_point,
        "out_offset": to.zero_point,
        **clamp_integer(None, to),
        "multiplier": multiplier,
        "shift": shift,
    }
    lowering.call(f"tms_mean_{SUFFIX[to.dtype]}", (x,), out, params)
    return out


def mean_factor(real: float, rows: int) -> tuple[int, int]:
    """A factor divided by a count, as multiplier and shift.

    The count divides the multiplier after it was made as large as it may be, as TFLite's
    mean does (kernels/reduce.cc), which differs from dividing the real factor in the last bit.
    """
    multiplier, shift = quantize_multiplier(real)
    headroom = min(rows.bit_length() - 1, 32, 31 + shift)
    return (multiplier << headroom) // rows, shift - headroom


def reduced_axes(site: Site, rank: int) -> tuple[int, ...]:
    """The reduced axes, ascending; an attribute before opset 18, an operand since."""
    if site.op_type.startswith("Global"):
        return tuple(range(2, rank))
    operand = site.optional(1)
    axes = operand.stored.tolist() if isinstance(operand, Const) else site.attributes.get("axes")
    if axes is None and operand is not None:
        raise site.refused("axes that are computed at run time", "reduce constant axes")
    if not axes:
        return () if site.attributes.get("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted(int(axis) % rank for axis in axes))


OPERATORS = (Operator(tuple(FLOAT), lower_reduction, int16=True),)
