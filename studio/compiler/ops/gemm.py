"""Gemm and MatMul with a constant right operand: the dense kernel over rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.conv import int32_bias
from studio.compiler.scaling import clamp_float, clamp_integer, multipliers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Array = npt.NDArray[Any]


def lower_dense(site: Site, lowering: Lowering) -> Tensor:
    """X [.., k] times constant [k, n] plus an optional bias [n]."""
    weights = site.const(1)
    if len(weights.shape) != 2:
        raise site.refused(f"a right operand of {len(weights.shape)} axes", "two are supported")
    if site.attributes.get("transA", 0):
        raise site.refused("a transposed left operand")
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
    factor = site.attributes.get("alpha", 1.0)
    if x.quant is None or site.quant is None or stored is None or scales is None or factor != 1:
        return None
    bias = int32_bias(_bias(site), x.quant.scale * scales)
    if bias is None or bias.size not in (1, scales.size):
        return None
    stored = stored if out_axis == 0 else stored.T
    x, order = _operand(site, lowering, stored.shape[1])
    out = lowering.output(site, layout.plain(site.shape), site.quant)
    assert x.quant is not None
    params = {
        "rows": math.prod(x.shape) // stored.shape[1],
        "in_n": stored.shape[1],
        "out_n": stored.shape[0],
        "in_offset": -x.quant.zero_point,
        "out_offset": site.quant.zero_point,
        **clamp_integer(site.clamp, site.quant),
        "weights": stored[:, order],
        "bias": np.broadcast_to(bias, scales.shape),
        **multipliers(x.quant.scale * scales / site.quant.scale),
    }
    lowering.call("tms_dense_s8", (x,), out, params, params["rows"] * stored.size)
    return out


def _dense_float(site: Site, lowering: Lowering, weights: Const, out_axis: int) -> Tensor:
    matrix = weights.real * np.float32(site.attributes.get("alpha", 1.0))
    matrix = matrix if out_axis == 0 else matrix.T
    bias = np.zeros(matrix.shape[0], np.float32)
    operand = _bias(site)
    if operand is not None:
        if not isinstance(operand, Const) or operand.real.size not in (1, bias.size):
            raise site.refused("a bias that is no constant row", "add it with Add")
        bias = bias + operand.real.reshape(-1) * np.float32(site.attributes.get("beta", 1.0))
    x, order = _operand(site, lowering, matrix.shape[1])
    out = lowering.output(site, layout.plain(site.shape))
    params = {
        "rows": math.prod(x.shape) // matrix.shape[1],
        "in_n": matrix.shape[1],
        "out_n": matrix.shape[0],
        **clamp_float(site.clamp),
        "weights": matrix[:, order],
        "bias": bias,
    }
    lowering.call("tms_dense_f32", (x,), out, params, params["rows"] * matrix.size)
    return out


def _bias(site: Site) -> object:
    return site.optional(2) if site.op_type == "Gemm" and site.attributes.get("beta", 1.0) else None


OPERATORS = (Operator(("Gemm", "MatMul"), lower_dense, activation=True),)
