"""Add and Mul of two tensors, or of a tensor and a constant, with broadcasting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.kernels.add_s8 import sum_factors
from studio.compiler.kernels.mul_s8 import product_factors
from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operand, Operator, Site
from studio.compiler.scaling import clamp_float, clamp_int8

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Array = npt.NDArray[Any]


def lower_binary(site: Site, lowering: Lowering) -> Tensor:
    """Add or Mul -> tms_add or tms_mul, int8 where operands and result are."""
    a, b = (site.inputs[i] for i in (0, 1))
    if isinstance(a, Const):
        a, b = b, a
    assert a is not None
    assert b is not None
    if isinstance(a, Const):
        raise site.refused("both operands are constants", "fold constants first")
    if site.quant is not None and a.quant is not None:
        quantized = _quantized_operand(b)
        if quantized is not None:
            return _int8(site, lowering, a, *quantized)
    site = lowering.in_float(site, "an operand is not quantised as a whole")
    return _float(site, lowering, lowering.real(a), b if isinstance(b, Const) else lowering.real(b))


def _quantized_operand(b: Operand) -> tuple[Operand, Quant] | None:
    """The second operand and its scale; a real constant gets a scale of its own."""
    if isinstance(b, Tensor):
        return None if b.quant is None else (b, b.quant)
    stored = b.centred()
    if stored is not None and b.scale is not None and b.scale.size == 1:
        return Const(b.name, stored), Quant(float(b.scale.reshape(-1)[0]), 0)
    largest = float(np.abs(b.real).max(initial=0))
    scale = largest / 127 or 1.0
    return Const(b.name, np.rint(b.real / scale).astype(np.int8)), Quant(scale, 0)


def _int8(site: Site, lowering: Lowering, a: Tensor, b: Operand, b_quant: Quant) -> Tensor:
    assert site.quant is not None
    assert a.quant is not None
    factors = sum_factors if site.op_type == "Add" else product_factors
    params = {
        "a_offset": -a.quant.zero_point,
        "b_offset": -b_quant.zero_point,
        "out_offset": site.quant.zero_point,
        **clamp_int8(site.clamp, site.quant),
        **factors(a.quant.scale, b_quant.scale, site.quant.scale),
    }
    return _call(site, lowering, f"tms_{site.op_type.lower()}_s8", a, b, params, site.quant)


def _float(site: Site, lowering: Lowering, a: Operand, b: Operand) -> Tensor:
    if isinstance(b, Const):
        b = Const(b.name, b.real)
    assert isinstance(a, Tensor)
    kernel = f"tms_{site.op_type.lower()}_f32"
    return _call(site, lowering, kernel, a, b, clamp_float(site.clamp), None)


def _call(
    site: Site,
    lowering: Lowering,
    kernel: str,
    a: Tensor,
    b: Operand,
    params: dict[str, Any],
    quant: Quant | None,
) -> Tensor:
    if a.shape != site.shape and isinstance(b, Tensor) and b.shape == site.shape:
        raise site.refused("the first operand is broadcast", "put the larger operand first")
    if a.shape != site.shape:
        raise site.refused(f"broadcast of {a.shape} to {site.shape}", "expand it first")
    if isinstance(b, Const):
        source: Tensor | str
        shape, b_stride, stored = _constant_strides(b.stored, a)
        source = lowering.constant(f"{site.name}_operand", stored)
    else:
        a, b, shape, b_stride = _tensor_strides(site, lowering, a, b)
        source = b
    out = lowering.output(site, a.layout, quant)
    strides = {"shape": shape, "a_stride": layout.row_major(shape), "b_stride": b_stride}
    lowering.call(kernel, (a, source), out, {**strides, **params})
    return out


def _constant_strides(values: Array, a: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], Array]:
    """Shape, strides and values of a constant that is broadcast against a stored tensor."""
    n = math.prod(a.shape)
    if values.size == 1:
        return (1, 1, 1, n), (0, 0, 0, 0), values.reshape(-1)
    full = np.broadcast_to(values, a.shape).reshape(a.layout.view).transpose(a.layout.order)
    rows = full.reshape(-1, full.shape[-1])
    if (rows == rows[0]).all():
        return (1, 1, *rows.shape), (0, 0, 0, 1), rows[0]
    return (1, 1, 1, n), (0, 0, 0, 1), full.reshape(-1)


def _tensor_strides(
    site: Site, lowering: Lowering, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, tuple[int, ...], tuple[int, ...]]:
    """Both operands in one layout, the shape to walk and the second one's strides in it."""
    if a.shape == b.shape:
        return a, lowering.laid_out(b, a.layout), (1, 1, 1, math.prod(a.shape)), (0, 0, 0, 1)
    rank = len(a.shape)
    b = b.reshaped((1,) * (rank - len(b.shape)) + b.shape)
    order = layout.common_order([(a.shape, a.layout), (b.shape, b.layout)])
    a, b = (lowering.laid_out(x, Layout(x.shape, order)) for x in (a, b))
    a_sizes, b_sizes = _stored_sizes(a.layout), _stored_sizes(b.layout)
    if rank > 4:
        raise site.refused(f"broadcasting over {rank} axes", "up to four are supported")
    steps = layout.row_major(b_sizes)
    strides = tuple(0 if size == 1 else step for size, step in zip(b_sizes, steps, strict=True))
    return a, b, (1,) * (4 - rank) + a_sizes, (0,) * (4 - rank) + strides


def _stored_sizes(lay: Layout) -> tuple[int, ...]:
    return tuple(lay.view[axis] for axis in lay.order)


OPERATORS = (Operator(("Add", "Mul"), lower_binary, activation=True),)
