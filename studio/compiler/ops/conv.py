"""Conv, one- and two-dimensional, grouped and depthwise; BatchNormalization as a depthwise 1x1."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.builder import SUFFIX
from studio.compiler.hybrid import hybrid, is_hybrid
from studio.compiler.nibbles import fit
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.bias import int32_bias, int64_bias
from studio.compiler.ops.streaming import filtered
from studio.compiler.scaling import clamp_float, clamp_integer, multipliers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Array = npt.NDArray[Any]


def window(site: Site, kernel: tuple[int, ...], groups: int = 1) -> dict[str, int]:
    """The fields of tms_window for a sliding operator on [1, c, h, w] or [1, c, length].

    Args:
        site: Conv or pooling; its attributes give strides, dilations and padding.
        kernel: spatial size, one or two axes.
        groups: of a convolution.

    Raises:
        Unsupported: another rank, or a batch above 1.
    """
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
    if max(fields.values()) > 32767:
        raise site.refused("an axis longer than 32767")
    return fields


def refuse_shape(site: Site) -> None:
    """Refuse what is not [1, c, h, w] or [1, c, length]."""
    shape = site.tensor().shape
    if len(shape) not in (3, 4):
        raise site.refused(f"{len(shape) - 2} spatial axes", "one or two are supported")
    if shape[0] != 1:
        raise site.refused(f"batch {shape[0]}", "export the model with batch 1")


def _pads_before(
    site: Site, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> tuple[int, ...]:
    """Padding before each spatial axis; what follows is implied by the output's size."""
    mode = site.attributes.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID", ""):
        pads = site.attributes.get("pads") if mode != "VALID" else None
        return tuple((pads or (0,) * 2 * len(kernel))[: len(kernel)])
    before = []
    for axis, size in enumerate(kernel):
        in_size, out_size = site.tensor().shape[2 + axis], site.shape[2 + axis]
        total = max((out_size - 1) * strides[axis] + (size - 1) * dilations[axis] + 1 - in_size, 0)
        before.append(total - total // 2 if mode == "SAME_LOWER" else total // 2)
    return tuple(before)


def lower_conv(site: Site, lowering: Lowering) -> Tensor:
    """Conv -> conv2d or depthwise2d, int8 where operands and result are."""
    weights = site.const(1)
    groups = int(site.attributes.get("group", 1))
    fields = window(site, weights.shape[2:], groups)
    if site.quant is not None:
        done = _conv_int8(site, lowering, fields, weights)
        if done is not None:
            return done
    site = lowering.in_float(site, "weights or activations have no int8 form that kernels take")
    return _conv_float(site, lowering, fields, weights)


def _is_depthwise(fields: dict[str, int]) -> bool:
    return fields["groups"] == fields["in_c"] and fields["groups"] > 1


def _arranged(weights: Array, depthwise: bool) -> Array:
    """[o, i, kh, kw] as the kernels read it: [o, kh, kw, i], depthwise [kh, kw, o]."""
    four = weights.reshape(*weights.shape, *(1,) * (4 - weights.ndim))
    return four[:, 0].transpose(1, 2, 0) if depthwise else four.transpose(0, 2, 3, 1)


def _conv_int8(
    site: Site, lowering: Lowering, fields: dict[str, int], weights: Const
) -> Tensor | None:
    x, stored, scales = site.tensor(), weights.centred(), weights.scales(0)
    if stored is None or scales is None or not same_integers(x.quant, site.quant):
        return None
    assert x.quant is not None
    units = x.quant.scale * scales
    if x.quant.dtype == "int16":
        bias = int64_bias(site.optional(2), units)
    else:
        bias = int32_bias(site.optional(2), units)
    if bias is None:
        return None
    return _call_integer(site, lowering, fields, stored, scales, bias, weights.bits)


def _call_integer(
    site: Site,
    lowering: Lowering,
    fields: dict[str, int],
    stored: Array,
    scales: Array,
    bias: Array,
    bits: int = 8,
) -> Tensor:
    tensor, quant = site.tensor(), site.quant
    assert quant is not None
    assert tensor.quant is not None
    x = lowering.laid_out(tensor, layout.channels_last(tensor.shape))
    out = lowering.output(site, layout.channels_last(site.shape), quant)
    depthwise = _is_depthwise(fields)
    arranged = _arranged(stored, depthwise)
    params = {
        **fields,
        **zero_points(tensor.quant, quant),
        **clamp_integer(site.clamp, quant),
        "weights": arranged,
        "bias": bias,
        **multipliers(tensor.quant.scale * scales / quant.scale),
    }
    kernel = f"tms_{'depthwise' if depthwise else 'conv'}2d_{SUFFIX[quant.dtype]}"
    narrow = bits == 4 and fit(stored)
    lowering.call(
        kernel, (x,), out, params, _macs(fields), fields["out_h"], weight_bits=4 if narrow else 8
    )
    return out


def same_integers(x: Quant | None, y: Quant | None) -> bool:
    """Operand and result are int8, or both are int16 around zero, as kernels take them."""
    if x is None or y is None or x.dtype != y.dtype:
        return False
    return x.dtype == "int8" or x.zero_point == y.zero_point == 0


def zero_points(x: Quant, y: Quant) -> dict[str, int]:
    """`in_offset` and `out_offset` of an int8 kernel; those of int16 have none."""
    if x.dtype == "int16":
        return {}
    return {"in_offset": -x.zero_point, "out_offset": y.zero_point}


def _conv_float(site: Site, lowering: Lowering, fields: dict[str, int], weights: Const) -> Tensor:
    bias = (
        site.const(2).real
        if site.optional(2) is not None
        else np.zeros(fields["out_c"], np.float32)
    )
    stored, scales = weights.centred(), weights.scales(0)
    if stored is None or scales is None:
        return _call_float(site, lowering, fields, weights.real, bias)
    if is_hybrid(site):
        shape = (1, -1, *(1,) * (len(site.shape) - 2))
        none = np.zeros(fields["out_c"], np.float32)

        def product(plain: Site, factors: Array) -> Tensor:
            return _call_float(plain, lowering, fields, stored, none, factors)

        bias, depthwise = bias.reshape(shape), _is_depthwise(fields)
        return hybrid(site, lowering, 1, weights, scales, bias, product, depthwise)
    return _call_float(site, lowering, fields, stored, bias, scales)


def _call_float(
    site: Site,
    lowering: Lowering,
    fields: dict[str, int],
    weights: Array,
    bias: Array,
    scales: Array | None = None,
) -> Tensor:
    """Float activations; weights in float, or in int8 with a scale for each output channel."""
    x = lowering.laid_out(site.tensor(), layout.channels_last(site.tensor().shape))
    out = lowering.output(site, layout.channels_last(site.shape))
    depthwise = _is_depthwise(fields)
    params = {
        **fields,
        **clamp_float(site.clamp),
        "weights": _arranged(weights, depthwise),
        "bias": bias.reshape(-1),
    }
    kernel = "tms_depthwise2d_f32" if depthwise else "tms_conv2d_f32"
    if scales is not None:
        kernel, params["scale"] = f"{kernel}_w8", scales.astype(np.float32)
    lowering.call(kernel, (x,), out, params, _macs(fields), fields["out_h"])
    return out


def _macs(fields: dict[str, int]) -> int:
    window_size = fields["kernel_h"] * fields["kernel_w"] * fields["in_c"] // fields["groups"]
    return fields["out_h"] * fields["out_w"] * fields["out_c"] * window_size


def lower_batch_norm(site: Site, lowering: Lowering) -> Tensor:
    """BatchNormalization at inference: one weight and one bias a channel.

    In integers each weight is +-127 times its own scale, so nothing is lost to rounding it.
    """
    gamma, beta, mean, variance = (site.const(i).real.astype(np.float64) for i in range(1, 5))
    factor = gamma / np.sqrt(variance + site.attributes.get("epsilon", 1e-5))
    shift = beta - mean * factor
    if len(site.tensor().shape) == 2:
        x, shape = site.tensor(), site.shape
        image = (x.reshaped((*x.shape, 1)), *site.inputs[1:])
        return lower_batch_norm(replace(site, inputs=image, shape=(*shape, 1)), lowering).reshaped(
            shape
        )
    channels = gamma.size
    fields = window(site, (1,) * (len(site.tensor().shape) - 2), channels)
    shape = (channels, 1, 1, 1)
    in_quant = site.tensor().quant
    if in_quant is not None and same_integers(in_quant, site.quant):
        scales = np.maximum(np.abs(factor), math.ulp(1.0)) / 127
        stored = np.rint(factor / scales).astype(np.int8).reshape(shape)
        bias = np.rint(shift / (in_quant.scale * scales))
        most, dtype = (2**46, np.int64) if in_quant.dtype == "int16" else (2**31, np.int32)
        if np.abs(bias).max() < most:
            return _call_integer(site, lowering, fields, stored, scales, bias.astype(dtype))
    site = lowering.in_float(site, "its result is not quantised")
    return _call_float(
        site, lowering, fields, factor.astype(np.float32).reshape(shape), shift.astype(np.float32)
    )


OPERATORS = (
    Operator(("Conv",), lower_conv, activation=True, int16=True, special=filtered),
    Operator(("BatchNormalization",), lower_batch_norm, activation=True, int16=True),
)
