"""Arithmetic of two operands with broadcasting of either, and of many, pair by pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import float_math
from studio.compiler.broadcasting import pair_call
from studio.compiler.kernels.add_s8 import sum_factors
from studio.compiler.kernels.mul_s8 import product_factors
from studio.compiler.kernels.prelu_s8 import prelu_factors
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operand, Operator, Site
from studio.compiler.ops.unary import lower_function
from studio.compiler.scaling import clamp_float, clamp_integer

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

KERNELS = {
    "Add": "add", "Div": "div", "Max": "max", "Mean": "add", "Min": "min", "Mul": "mul",
    "Pow": "pow", "PRelu": "prelu", "Sub": "sub", "Sum": "add",
}  # fmt: skip
FACTORS: dict[str, Callable[[float, float, float], dict[str, int]]] = {
    "Add": sum_factors, "Sum": sum_factors, "Sub": sum_factors, "Mul": product_factors,
    "PRelu": prelu_factors,
}  # fmt: skip
WIDE_HEADROOM_BITS = 15  # that int16 leaves in a sum of 32 bits
NO_FACTORS = {
    f"{side}_{what}": 0 for side in ("a", "b", "out") for what in ("multiplier", "shift", "offset")
}


def lower_binary(site: Site, lowering: Lowering) -> Tensor:
    """Add, Sub, Mul, PRelu: integers where operands and result are; Div in float."""
    if _adds_nothing(site):
        return site.tensor()
    if site.op_type == "Div" and isinstance(site.inputs[1], Const):
        divisor = site.const(1)
        inverse = Const(divisor.name, float_math.reciprocal(divisor.real))
        site = replace(site, op_type="Mul", inputs=(site.inputs[0], inverse))
    return _pair(site, lowering, site.inputs[0], site.inputs[1])


def _adds_nothing(site: Site) -> bool:
    """True for x + 0 and x - 0 in float, such as a bias that was never trained."""
    x, zero = site.inputs
    return (
        site.op_type in ("Add", "Sub")
        and isinstance(x, Tensor)
        and isinstance(zero, Const)
        and not zero.real.any()
        and x.shape == site.shape
        and x.quant is None
        and site.quant is None
        and site.clamp is None
    )


def lower_power(site: Site, lowering: Lowering) -> Tensor:
    """X^y: a product or a root where y is a constant 2 or 1/2."""
    exponent = site.inputs[1]
    if isinstance(exponent, Const) and np.unique(exponent.real).size == 1:
        y = float(exponent.real.reshape(-1)[0])
        if site.shape == site.tensor().shape and y == 0.5:
            return lower_function(site, lowering, float_math.sqrt, "tms_sqrt_f32", {})
        if site.shape == site.tensor().shape and y == 2.0:
            return _pair(replace(site, op_type="Mul"), lowering, site.inputs[0], site.inputs[0])
    return _pair(site, lowering, site.inputs[0], site.inputs[1])


def lower_many(site: Site, lowering: Lowering) -> Operand:
    """Min, Max, Sum and Mean of any number of operands."""
    operands = [operand for operand in site.inputs if operand is not None]
    if site.op_type in ("Sum", "Mean") and (len(operands) > 2 or site.op_type == "Mean"):
        site = lowering.in_float(site, "it has more than two operands")
        operands = [operand for operand in site.inputs if operand is not None]
    total: Operand = operands[0]
    for index, operand in enumerate(operands[1:], 1):
        last = index == len(operands) - 1 and site.op_type != "Mean"
        step = site
        if not last:
            shape = np.broadcast_shapes(total.shape, operand.shape)
            step = replace(site, output=f"{site.output}_{index}", shape=shape, clamp=None)
        total = _pair(step, lowering, total, operand)
    if site.op_type == "Mean":
        share = Const(f"{site.name}_share", np.float32(1 / len(operands)).reshape(1))
        return _pair(replace(site, op_type="Mul"), lowering, total, share)
    if total.shape != site.shape or (len(operands) == 1 and site.clamp is not None):
        raise site.refused("one operand only", "remove the operator")
    return total


def _pair(site: Site, lowering: Lowering, a: Operand | None, b: Operand | None) -> Tensor:
    assert a is not None
    assert b is not None
    if isinstance(a, Const) and isinstance(b, Const):
        raise site.refused("both operands are constants", "fold constants first")
    if isinstance(a, Const) and site.op_type in ("Add", "Mul"):
        a, b = b, a
    if site.quant is not None:
        done = _integer(site, lowering, a, b, site.quant)
        if done is not None:
            return done
    site = lowering.in_float(site, "an operand is not quantised as a whole")
    a, b = (Const(x.name, x.real) if isinstance(x, Const) else lowering.real(x) for x in (a, b))
    kernel = f"tms_{KERNELS[site.op_type]}_f32"
    return pair_call(site, lowering, kernel, a, b, clamp_float(site.clamp), None)


def _integer(site: Site, lowering: Lowering, a: Operand, b: Operand, quant: Quant) -> Tensor | None:
    """The call in integers; None where there is none for these operands."""
    suffix = "s8" if quant.dtype == "int8" else "s16"
    if site.op_type in ("Min", "Max"):
        if any(isinstance(x, Tensor) and x.quant is None for x in (a, b)):
            return None
        a, b = (_under(lowering, x, quant) for x in (a, b))
        params = {**NO_FACTORS, **clamp_integer(site.clamp, quant)}
        kernel = f"tms_{KERNELS[site.op_type]}_{suffix}"
        return pair_call(site, lowering, kernel, a, b, params, quant)
    first, second = _quantized_operand(a, quant), _quantized_operand(b, quant)
    if site.op_type not in FACTORS or first is None or second is None:
        return None
    if quant.dtype == "int16" and not _around_zero(a, b, quant):
        return None
    (a, a_quant), (b, b_quant) = first, second
    in_float = site.op_type == "Mul" and lowering.options.rounding == "litert"  # as in mul.cc
    real = np.float32 if in_float else np.float64
    scales: list[Any] = [real(q.scale) for q in (a_quant, b_quant, quant)]
    params = {
        "a_offset": -a_quant.zero_point,
        "b_offset": -b_quant.zero_point,
        "out_offset": quant.zero_point,
        **clamp_integer(site.clamp, quant),
        **_factors(site, quant)(*scales),
    }
    kernel = f"tms_{KERNELS[site.op_type]}_{suffix}"
    return pair_call(site, lowering, kernel, a, b, params, quant)


def _around_zero(a: Operand, b: Operand, quant: Quant) -> bool:
    quants = [quant, *(x.quant for x in (a, b) if isinstance(x, Tensor))]
    return all(q is not None and q.zero_point == 0 for q in quants)


def _factors(site: Site, quant: Quant) -> Callable[[float, float, float], dict[str, int]]:
    function = FACTORS[site.op_type]
    wide_sum = function is sum_factors and quant.dtype == "int16"
    return partial(sum_factors, headroom_bits=WIDE_HEADROOM_BITS) if wide_sum else function


def _under(lowering: Lowering, x: Operand, quant: Quant) -> Operand:
    """An operand of Min or Max under the result's scale."""
    if isinstance(x, Tensor):
        return lowering.requantized(x, quant)
    stored = np.rint(x.real / quant.scale) + quant.zero_point
    return Const(x.name, np.clip(stored, *quant.limits).astype(quant.dtype))


def _quantized_operand(x: Operand, out: Quant) -> tuple[Operand, Quant] | None:
    """An operand and its scale; a real constant gets a scale of its own."""
    if isinstance(x, Tensor):
        return (x, x.quant) if x.quant is not None and x.quant.dtype == out.dtype else None
    stored = x.centred()
    if out.dtype == "int8" and stored is not None and x.scale is not None and x.scale.size == 1:
        return Const(x.name, stored), Quant(float(x.scale.reshape(-1)[0]), 0)
    largest = float(np.abs(x.real).max(initial=0))
    scale = largest / out.limits[1] or 1.0
    return Const(x.name, np.rint(x.real / scale).astype(out.dtype)), Quant(scale, 0, out.dtype)


OPERATORS = (
    Operator(("Add", "Sub", "Mul", "Div", "PRelu"), lower_binary, activation=True, int16=True),
    Operator(("Pow",), lower_power),
    Operator(("Min", "Max", "Sum", "Mean"), lower_many, int16=True),
)
