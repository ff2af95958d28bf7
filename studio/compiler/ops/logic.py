"""Comparisons, And, Or, Not and Where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.compiler.broadcasting import pair_call, strided_call
from studio.compiler.builder import STORED, width_of
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import ANY_DTYPE, Operand, Operator, Site
from studio.compiler.ops.binary import NO_FACTORS

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

COMPARISONS = {
    "Equal": ("equal", False),
    "Greater": ("less", True),
    "GreaterOrEqual": ("less_equal", True),
    "Less": ("less", False),
    "LessOrEqual": ("less_equal", False),
}
"""ONNX operator: the kernel, and whether its operands change places."""
BOOLEAN = {**NO_FACTORS, "act_min": 0, "act_max": 1}


def lower_comparison(site: Site, lowering: Lowering) -> Tensor:
    """Floats, or whole numbers of 32 bits."""
    site = lowering.in_float(site, "its result is no number")
    name, swapped = COMPARISONS[site.op_type]
    operands = [x for x in site.inputs if x is not None]
    dtype = next(x.dtype for x in operands if isinstance(x, Tensor))
    a, b = (_as(x, dtype) for x in operands)
    kernel = f"tms_{name}_{'f32' if dtype == 'float32' else 's32'}"
    pair = (b, a) if swapped else (a, b)
    return pair_call(site, lowering, kernel, *pair, {}, None, "bool")


def lower_logic(site: Site, lowering: Lowering) -> Tensor:
    """And is the smaller, Or the larger of two truth values."""
    a, b = (_as(x, "bool") for x in site.inputs if x is not None)
    kernel = "tms_min_s8" if site.op_type == "And" else "tms_max_s8"
    return pair_call(site, lowering, kernel, a, b, BOOLEAN, None, "bool")


def lower_not(site: Site, lowering: Lowering) -> Tensor:
    """A table of bytes."""
    x = site.tensor()
    out = lowering.result(site.output, site.shape, x.layout, "bool")
    lowering.table_call(x, out, (np.arange(-128, 128) == 0).astype(np.int8))
    return out


def lower_where(site: Site, lowering: Lowering) -> Tensor:
    """One of two values of one type; integers under one scale."""
    condition, a, b = (x for x in site.inputs if x is not None)
    tensors = [x for x in (a, b) if isinstance(x, Tensor)]
    quants = {x.quant for x in tensors}
    quant = site.quant or (next(iter(quants)) if len(quants) == 1 else None)
    if quant is None or None in quants:
        a, b, quant = lowering.real(a), lowering.real(b), None
    a, b = (_under(lowering, x, quant) for x in (a, b))
    dtype = next((x.dtype for x in (a, b) if isinstance(x, Tensor)), None) or _dtype_of(a)
    operands = {"c": _as(condition, "bool"), "a": _as(a, dtype), "b": _as(b, dtype)}
    return strided_call(site, lowering, f"tms_where_{width_of(dtype)}", operands, {}, quant, dtype)


def _dtype_of(x: Operand) -> str:
    assert isinstance(x, Const)
    name = str(x.stored.dtype)
    return STORED.get(name, name)


def _under(lowering: Lowering, x: Operand, quant: Quant | None) -> Operand:
    if isinstance(x, Tensor):
        return lowering.settled(x, quant)
    if quant is None:
        return x if x.scale is None else Const(x.name, x.real)
    stored = np.rint(x.real / quant.scale) + quant.zero_point
    return Const(x.name, np.clip(stored, *quant.limits).astype(quant.dtype))


def _as(x: Operand, dtype: str) -> Operand:
    return x if isinstance(x, Tensor) else Const(x.name, x.stored.astype(dtype))


OPERATORS = (
    Operator(tuple(COMPARISONS), lower_comparison, dtypes=("float32", "int32")),
    Operator(("And", "Or"), lower_logic, dtypes=("bool",)),
    Operator(("Not",), lower_not, dtypes=("bool",)),
    Operator(("Where",), lower_where, int16=True, dtypes=ANY_DTYPE),
)
