"""Gemm and MatMul: the dense kernel over rows where the right operand is a constant matrix."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.broadcasting import pair_call
from studio.compiler.builder import SUFFIX
from studio.compiler.hybrid import hybrid, is_hybrid
from studio.compiler.nibbles import fit
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operand, Operator, Site
from studio.compiler.ops.bias import int32_bias, int64_bias
from studio.compiler.ops.conv import same_integers, zero_points
from studio.compiler.ops.matmul import product
from studio.compiler.ops.shape import permuted
from studio.compiler.ops.streaming import feature
from studio.compiler.scaling import clamp_float, clamp_integer, multipliers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Array = npt.NDArray[Any]


def lower_gemm(site: Site, lowering: Lowering) -> Tensor:
    """Alpha * A' * B' + beta * C, as a dense layer where B is constant and C a constant row."""
    a, b = site.inputs[0], site.inputs[1]
    if isinstance(a, Tensor) and site.attributes.get("transA", 0):
        a = permuted(lowering, a, (1, 0))
        site = replace(site, inputs=(a, *site.inputs[1:]))
    n = site.shape[-1]
    bias = _bias(site)
    row = bias is None or (isinstance(bias, Const) and bias.shape in ((), (1,), (n,), (1, n)))
    if isinstance(a, Tensor) and isinstance(b, Const) and row:
        return lower_dense(site, lowering)
    return _gemm_in_steps(lowering.in_float(site, "it is no dense layer"), lowering, bias)


def _gemm_in_steps(site: Site, lowering: Lowering, bias: Operand | None) -> Tensor:
    """A product, and a sum with what is no row."""
    a, b = site.inputs[0], site.inputs[1]
    assert a is not None
    alpha, beta = (np.float32(site.attributes.get(key, 1.0)) for key in ("alpha", "beta"))
    if isinstance(a, Const):
        real = a.real.T if site.attributes.get("transA", 0) else a.real
        a, alpha = Const(a.name, real * alpha), np.float32(1)
    if isinstance(b, Const):
        real = b.real.T if site.attributes.get("transB", 0) else b.real
        b, alpha = Const(b.name, real * alpha), np.float32(1)
    elif site.attributes.get("transB", 0):
        b = permuted(lowering, site.tensor(1), (1, 0))
    assert b is not None
    plain_site = replace(site, clamp=None, output=f"{site.output}_product")
    y = product(plain_site if bias is not None or alpha != 1 else site, lowering, a, b)
    free = clamp_float(None)
    if alpha != 1:
        last = site if bias is None else replace(site, output=f"{site.output}_scaled")
        factor = Const("alpha", alpha.reshape(1))
        limits = clamp_float(site.clamp) if bias is None else free
        y = pair_call(last, lowering, "tms_mul_f32", y, factor, limits, None)
    if bias is None:
        return y
    addend = lowering.real(bias)
    if isinstance(addend, Const):
        addend = Const(addend.name, addend.real * beta)
    elif beta != 1:
        scaled = replace(site, output=f"{site.output}_bias", shape=addend.shape)
        factor = Const("beta", beta.reshape(1))
        addend = pair_call(scaled, lowering, "tms_mul_f32", addend, factor, free, None)
    return pair_call(site, lowering, "tms_add_f32", y, addend, clamp_float(site.clamp), None)


def lower_matmul(site: Site, lowering: Lowering) -> Tensor:
    """Two operands, either of them computed."""
    a, b = site.inputs[0], site.inputs[1]
    assert a is not None
    assert b is not None
    if isinstance(a, Tensor) and isinstance(b, Const) and len(b.shape) == 2:
        return lower_dense(site, lowering)
    return product(site, lowering, a, b)


def lower_dense(site: Site, lowering: Lowering) -> Tensor:
    """X [.., k] times constant [k, n] plus an optional bias [n]."""
    weights = site.const(1)
    out_axis = 0 if site.attributes.get("transB", 0) else 1
    if site.quant is not None:
        done = _dense_int8(site, lowering, weights, out_axis)
        if done is not None:
            return done
    site = lowering.in_float(site, "weights or activations have no int8 form that kernels take")
    return _dense_float(site, lowering, weights, out_axis)


def _operand(site: Site, lowering: Lowering, in_n: int) -> tuple[Tensor, Array]:
    """The left operand and, for each stored element of one row, its index in the ONNX row.

    One row may lie in any order (channels last, say): the weights are permuted offline
    instead of moving the activations at run time.
    """
    x = site.tensor()
    if math.prod(x.shape) != in_n:
        return lowering.laid_out(x, layout.plain(x.shape)), np.arange(in_n)
    index = np.arange(in_n).reshape(x.layout.view).transpose(x.layout.order)
    return x, index.reshape(-1)


def _dense_int8(site: Site, lowering: Lowering, weights: Const, out_axis: int) -> Tensor | None:
    x, stored, scales = site.tensor(), weights.centred(), weights.scales(out_axis)
    factor = site.attributes.get("alpha", 1.0) * site.attributes.get("beta", 1.0)
    if stored is None or scales is None or factor != 1 or not same_integers(x.quant, site.quant):
        return None
    assert x.quant is not None
    assert site.quant is not None
    in_units = int64_bias if x.quant.dtype == "int16" else int32_bias
    bias = in_units(_bias(site), x.quant.scale * scales)
    if bias is None or bias.size not in (1, scales.size):
        return None
    stored = stored if out_axis == 0 else stored.T
    x, order = _operand(site, lowering, stored.shape[1])
    out = lowering.output(site, layout.plain(site.shape), site.quant)
    assert x.quant is not None
    units = x.quant.scale * scales
    params = {
        "rows": math.prod(x.shape) // stored.shape[1],
        "in_n": stored.shape[1],
        "out_n": stored.shape[0],
        **zero_points(x.quant, site.quant),
        **clamp_integer(site.clamp, site.quant),
        "weights": stored[:, order],
        "bias": np.broadcast_to(bias, scales.shape),
    }
    kernel = f"tms_dense_{SUFFIX[site.quant.dtype]}"
    if site.quant.dtype == "int16" and lowering.options.rounding == "litert":
        kernel, params["scale"] = f"{kernel}_f64", units / site.quant.scale
    else:
        params |= multipliers(units / site.quant.scale)
    bits = 4 if weights.bits == 4 and fit(stored) else 8
    lowering.call(kernel, (x,), out, params, params["rows"] * stored.size, weight_bits=bits)
    return out


def _dense_float(site: Site, lowering: Lowering, weights: Const, out_axis: int) -> Tensor:
    alpha = np.float32(site.attributes.get("alpha", 1.0))
    stored, scales = weights.centred(), weights.scales(out_axis)
    matrix = weights.real * alpha if stored is None or scales is None else stored
    matrix = matrix if out_axis == 0 else matrix.T
    bias = np.zeros(matrix.shape[0], np.float32)
    operand = _bias(site)
    if operand is not None:
        assert isinstance(operand, Const)
        bias = bias + operand.real.reshape(-1) * np.float32(site.attributes.get("beta", 1.0))
    x, order = _operand(site, lowering, matrix.shape[1])
    site = replace(site, inputs=(x, *site.inputs[1:]))
    rows, matrix = math.prod(x.shape) // matrix.shape[1], matrix[:, order]
    if stored is None or scales is None:
        return _call_float(site, lowering, rows, matrix, bias)
    if is_hybrid(site):
        none = np.zeros(matrix.shape[0], np.float32)

        def product(plain: Site, factors: Array) -> Tensor:
            return _call_float(plain, lowering, rows, matrix, none, factors)

        return hybrid(site, lowering, rows, weights, scales, bias, product)
    return _call_float(site, lowering, rows, matrix, bias, scales * alpha)


def _call_float(
    site: Site,
    lowering: Lowering,
    rows: int,
    matrix: Array,
    bias: Array,
    scales: Array | None = None,
) -> Tensor:
    """Float activations; weights in float, or in int8 with a scale for each output."""
    out = lowering.output(site, layout.plain(site.shape))
    params = {
        "rows": rows,
        "in_n": matrix.shape[1],
        "out_n": matrix.shape[0],
        **clamp_float(site.clamp),
        "weights": matrix,
        "bias": bias,
    }
    kernel = "tms_dense_f32"
    if scales is not None:
        kernel, params["scale"] = "tms_dense_f32_w8", scales.astype(np.float32)
    lowering.call(kernel, (site.tensor(),), out, params, rows * matrix.size)
    return out


def _bias(site: Site) -> Operand | None:
    return site.optional(2) if site.op_type == "Gemm" and site.attributes.get("beta", 1.0) else None


OPERATORS = (
    Operator(("Gemm",), lower_gemm, activation=True, int16=True, special=feature),
    Operator(("MatMul",), lower_matmul, activation=True, int16=True),
)
