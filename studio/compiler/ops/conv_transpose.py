"""ConvTranspose, one- and two-dimensional, grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.builder import SUFFIX
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.bias import int32_bias, int64_bias
from studio.compiler.ops.conv import refuse_shape, same_integers, zero_points
from studio.compiler.scaling import clamp_float, clamp_integer, multipliers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Array = npt.NDArray[Any]


def lower_conv_transpose(site: Site, lowering: Lowering) -> Tensor:
    """ConvTranspose -> conv_transpose2d, integer where operands and result are."""
    weights = site.const(1)
    groups = int(site.attributes.get("group", 1))
    fields = _window(site, weights.shape[2:], groups)
    if site.quant is not None:
        done = _integer(site, lowering, fields, weights)
        if done is not None:
            return done
    site = lowering.in_float(site, "weights or activations have no int8 form that kernels take")
    bias = np.zeros(fields["out_c"], np.float32)
    if site.optional(2) is not None:
        bias = site.const(2).real.reshape(-1)
    params = {
        **fields,
        **clamp_float(site.clamp),
        "weights": _arranged(weights.real, groups),
        "bias": bias,
    }
    return _call(site, lowering, "tms_conv_transpose2d_f32", fields, params)


def _integer(
    site: Site, lowering: Lowering, fields: dict[str, int], weights: Const
) -> Tensor | None:
    x, stored = site.tensor(), weights.centred()
    scales = weights.scales(1)
    if stored is None or scales is None or not same_integers(x.quant, site.quant):
        return None
    assert x.quant is not None
    assert site.quant is not None
    scales = np.tile(scales, fields["groups"])
    in_units = int64_bias if x.quant.dtype == "int16" else int32_bias
    bias = in_units(site.optional(2), x.quant.scale * scales)
    if bias is None:
        return None
    params = {
        **fields,
        **zero_points(x.quant, site.quant),
        **clamp_integer(site.clamp, site.quant),
        "weights": _arranged(stored, fields["groups"]),
        "bias": bias,
        **multipliers(x.quant.scale * scales / site.quant.scale),
    }
    return _call(site, lowering, f"tms_conv_transpose2d_{SUFFIX[x.quant.dtype]}", fields, params)


def _call(
    site: Site, lowering: Lowering, kernel: str, fields: dict[str, int], params: dict[str, Any]
) -> Tensor:
    x = lowering.laid_out(site.tensor(), layout.channels_last(site.tensor().shape))
    out = lowering.output(site, layout.channels_last(site.shape), site.quant)
    places = fields["in_h"] * fields["in_w"] * fields["kernel_h"] * fields["kernel_w"]
    macs = places * fields["in_c"] * fields["out_c"] // fields["groups"]
    lowering.call(kernel, (x,), out, params, macs, fields["out_h"])
    return out


def _arranged(weights: Array, groups: int) -> Array:
    """[i, o / groups, kh, kw] as the kernels read it: [o, kh, kw, i / groups]."""
    four = weights.reshape(*weights.shape, *(1,) * (4 - weights.ndim))
    each = four.reshape(groups, -1, *four.shape[1:]).transpose(0, 2, 3, 4, 1)
    return each.reshape(-1, *each.shape[2:])


def _window(site: Site, kernel: tuple[int, ...], groups: int) -> dict[str, int]:
    tensor = site.tensor()
    refuse_shape(site)
    ones = (1,) * len(kernel)
    strides = tuple(site.attributes.get("strides") or ones)
    dilations = tuple(site.attributes.get("dilations") or ones)
    pads = _pads_before(site, kernel, strides, dilations)
    in_h, in_w, in_c = layout.spatial(tensor.shape)
    out_h, out_w, out_c = layout.spatial(site.shape)
    fields = {
        "in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": (*kernel, 1)[0], "kernel_w": (*kernel, 1)[1],
        "stride_h": (*strides, 1)[0], "stride_w": (*strides, 1)[1],
        "dilation_h": (*dilations, 1)[0], "dilation_w": (*dilations, 1)[1],
        "pad_top": (*pads, 0)[0], "pad_left": (*pads, 0)[1], "groups": groups,
    }  # fmt: skip
    if max(fields.values()) > 32767 or min(pads) < 0:
        raise site.refused("an axis longer than 32767, or negative padding")
    return fields


def _pads_before(
    site: Site, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> tuple[int, ...]:
    """What is taken off the output before each spatial axis."""
    mode = site.attributes.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID", "") and not site.attributes.get("output_shape"):
        pads = site.attributes.get("pads") if mode != "VALID" else None
        return tuple((pads or (0,) * 2 * len(kernel))[: len(kernel)])
    extra = tuple(site.attributes.get("output_padding") or (0,) * len(kernel))
    before = []
    for axis, size in enumerate(kernel):
        reach = (size - 1) * dilations[axis] + 1
        whole = strides[axis] * (site.tensor().shape[2 + axis] - 1) + extra[axis] + reach
        total = max(whole - site.shape[2 + axis], 0)
        before.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
    return tuple(before)


OPERATORS = (Operator(("ConvTranspose",), lower_conv_transpose, activation=True, int16=True),)
