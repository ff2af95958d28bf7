"""Relu, Clip, Sigmoid, Tanh: a table in int8, a kernel each in float."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import float_math
from studio.compiler.operand import Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.scaling import clamp_int8, rescaled_codes

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Real = npt.NDArray[np.float32]


def _lower(
    site: Site,
    lowering: Lowering,
    function: Callable[[Real], Real],
    kernel: str,
    params: dict[str, Any],
) -> Tensor:
    """A table of 256 entries where operand and result are int8, else the float kernel."""
    x = site.tensor()
    if x.quant is not None and site.quant is not None:
        real = (np.arange(-128, 128) - x.quant.zero_point).astype(np.float32) * np.float32(
            x.quant.scale
        )
        stored = np.rint(function(real) / np.float32(site.quant.scale)) + site.quant.zero_point
        out = lowering.output(site, x.layout, site.quant)
        lowering.table_call(x, out, np.clip(stored, -128, 127).astype(np.int8))
        return out
    site = lowering.in_float(site, "its result is not quantised")
    x = site.tensor()
    out = lowering.output(site, x.layout)
    lowering.call(kernel, (x,), out, {"n": math.prod(x.shape), **params})
    return out


def lower_sigmoid(site: Site, lowering: Lowering) -> Tensor:
    """1 / (1 + exp(-x))."""
    return _lower(site, lowering, float_math.sigmoid, "tms_sigmoid_f32", {})


def lower_tanh(site: Site, lowering: Lowering) -> Tensor:
    """The hyperbolic tangent."""
    return _lower(site, lowering, float_math.tanh, "tms_tanh_f32", {})


def lower_clip(site: Site, lowering: Lowering) -> Tensor:
    """Relu or Clip that could not become part of the call before it."""
    lo, hi = 0.0, math.inf
    if site.op_type == "Clip":
        lo, hi = _bound(site, 1, "min", -math.inf), _bound(site, 2, "max", math.inf)
    params = {"act_min": lo, "act_max": hi}
    x = site.tensor()
    if x.quant is not None and site.quant is not None and lowering.options.rounding != "single":
        bounds = clamp_int8((lo, hi), site.quant)
        table = rescaled_codes(x.quant, site.quant, lowering.options.rounding)
        out = lowering.output(site, x.layout, site.quant)
        lowering.table_call(x, out, np.clip(table, bounds["act_min"], bounds["act_max"]))
        return out

    def clip(real: Real) -> Real:
        return np.clip(real, np.float32(lo), np.float32(hi))

    return _lower(site, lowering, clip, "tms_clip_f32", params)


def _bound(site: Site, index: int, key: str, default: float) -> float:
    if key in site.attributes:
        return float(site.attributes[key])
    if site.optional(index) is None:
        return default
    return float(site.const(index).real.reshape(-1)[0])


OPERATORS = (
    Operator(("Sigmoid",), lower_sigmoid),
    Operator(("Tanh",), lower_tanh),
    Operator(("Relu", "Clip"), lower_clip),
)
