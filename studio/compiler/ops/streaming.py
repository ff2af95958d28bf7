"""Layers that look back in time: a window that moves on, what goes into it, filters over it.

TFLite's SVDF is such a layer: a product (Gemm) without bias makes a feature for each filter, Slice
and Concat put it behind those of the runs before, and a grouped Conv over the whole window weighs
them. Each form here is taken where it fits; the operators themselves serve all others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import layout
from studio.compiler.builder import width_of
from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operand, Site
from studio.compiler.ops.bias import int32_bias
from studio.compiler.scaling import clamp_float, clamp_integer

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def shifted(
    site: Site, lowering: Lowering, parts: list[Operand], quant: Quant | None
) -> Tensor | None:
    """Concat of a tensor without its first elements and of fresh ones, which may be in place."""
    if len(parts) != 2:
        return None
    kept, fresh = parts
    if not isinstance(kept, Tensor) or not isinstance(fresh, Tensor):
        return None
    whole, first = lowering.parts.get(kept, (None, ()))
    axis = int(site.attributes["axis"]) % len(site.shape)
    behind = tuple(site.shape[a] - kept.shape[a] if a == axis else 0 for a in range(len(first)))
    if whole is None or whole.shape != site.shape or first != behind:
        return None
    whole, order = lowering.by_axis(whole)
    out = lowering.result(site.output, site.shape, Layout(site.shape, order), whole.dtype, quant)
    rows = math.prod(site.shape[a] for a in order[: order.index(axis)])
    n, new = math.prod(site.shape) // rows, math.prod(fresh.shape) // rows
    fresh = lowering.laid_out(fresh, Layout(fresh.shape, order))
    kernel = f"tms_shift_{width_of(out.dtype)}"
    lowering.call(kernel, (whole, fresh), out, {"rows": rows, "n": n, "fresh": new})
    return out


def feature(site: Site, lowering: Lowering) -> Tensor | None:
    """Gemm of int8 with constant weights and without bias whose result has 16 bits."""
    x, weights, quant = site.inputs[0], site.inputs[1], site.quant
    if not isinstance(x, Tensor) or not isinstance(weights, Const):
        return None
    stored, out_axis = weights.centred(), 0 if site.attributes.get("transB", 0) else 1
    if stored is None or weights.scale is None or weights.scale.size > 1 or x.quant is None:
        return None
    if quant is None or (x.quant.dtype, quant.dtype, quant.zero_point) != ("int8", "int16", 0):
        return None
    in_n = stored.shape[1 - out_axis]
    if site.optional(2) is not None or site.clamp or math.prod(x.shape) != in_n:
        return None
    if site.attributes.get("alpha", 1.0) != 1:
        return None
    stored = stored if out_axis == 0 else stored.T
    out = lowering.output(site, layout.plain(site.shape), quant)
    params = {
        "in_n": in_n,
        "out_n": len(stored),
        "in_offset": -x.quant.zero_point,
        "weights": stored,
        **_factor(lowering, x, weights, quant),
    }
    row = lowering.laid_out(x, layout.plain(x.shape))
    lowering.call("tms_dense_s8_s16", (row,), out, params, stored.size)
    return out


def filtered(site: Site, lowering: Lowering) -> Tensor | None:
    """Conv with one filter a group over the whole of a window [1, channels, time]."""
    x, weights = site.inputs[0], site.inputs[1]
    if not isinstance(x, Tensor) or not isinstance(weights, Const):
        return None
    units = site.shape[1]
    plain = layout.plain(x.shape)
    whole = len(x.shape) == 3 and weights.shape[2:] == x.shape[2:] and site.shape[2:] == (1,)
    if not whole or site.attributes.get("group", 1) != units or not x.layout.same_as(plain):
        return None
    params: dict[str, Any] = {"units": units, "taps": math.prod(x.shape) // units}
    found = _integers(site, lowering, weights) if x.quant else _reals(site, weights)
    if found is None:
        return None
    kernel, numbers = found
    out = lowering.output(site, layout.plain(site.shape), site.quant if x.quant else None)
    lowering.call(kernel, (x,), out, params | numbers, math.prod(x.shape))
    return out


def _integers(site: Site, lowering: Lowering, weights: Const) -> tuple[str, dict[str, Any]] | None:
    x, quant = site.tensor(), site.quant
    if quant is None or quant.dtype != "int8" or weights.scale is None or weights.scale.size > 1:
        return None
    assert x.quant is not None
    bias = int32_bias(site.optional(2), x.quant.scale * np.full(site.shape[1], weights.scale))
    wide = x.quant.dtype == "int16"
    stored = _wide(weights) if wide else weights.centred()
    if bias is None or stored is None or (wide and x.quant.zero_point):
        return None
    numbers = {
        "out_offset": quant.zero_point,
        "weights": stored,
        "bias": bias,
        **clamp_integer(site.clamp, quant),
        **_factor(lowering, x, weights, quant),
    }
    if wide:
        return "tms_fir_s16_s8", numbers
    return "tms_fir_s8", {"in_offset": -x.quant.zero_point, **numbers}


def _wide(weights: Const) -> np.ndarray | None:
    """Weights of 16 bits around zero."""
    if weights.stored.dtype != np.int16 or np.any(weights.along(weights.zero_point)):
        return None
    return weights.stored


def _reals(site: Site, weights: Const) -> tuple[str, dict[str, Any]]:
    bias = site.optional(2)
    real = bias.real.reshape(-1) if isinstance(bias, Const) else np.zeros(site.shape[1], np.float32)
    return "tms_fir_f32", {"weights": weights.real, "bias": real, **clamp_float(site.clamp)}


def _factor(lowering: Lowering, x: Tensor, weights: Const, quant: Quant) -> dict[str, int]:
    """`multiplier` and `shift` of a product's scale; LiteRT's SVDF has it in single precision."""
    assert x.quant is not None
    assert weights.scale is not None
    real = np.float32 if lowering.options.rounding == "litert" else np.float64
    scale = real(weights.scale.reshape(-1)[0])
    multiplier, shift = quantize_multiplier(float(real(x.quant.scale) * scale / real(quant.scale)))
    return {"multiplier": multiplier, "shift": shift}
