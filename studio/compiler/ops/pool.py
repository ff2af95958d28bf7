"""MaxPool and AveragePool, one- and two-dimensional."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler import layout
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.conv import window
from studio.compiler.scaling import clamp_float, clamp_int8, multipliers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def _window(site: Site) -> dict[str, int]:
    fields = window(site, tuple(site.attributes["kernel_shape"]))
    for pad, axis in (("pad_top", "h"), ("pad_left", "w")):
        reach = (fields[f"kernel_{axis}"] - 1) * fields[f"dilation_{axis}"]
        last = (fields[f"out_{axis}"] - 1) * fields[f"stride_{axis}"] - fields[pad]
        if reach < fields[pad] or last >= fields[f"in_{axis}"]:
            raise site.refused("a window that sees nothing but padding", "pad less than the window")
    return fields


def lower_max_pool(site: Site, lowering: Lowering) -> Tensor:
    """The largest value in each window; int8 tensors keep their scale."""
    fields = _window(site)
    x = site.tensor()
    if x.quant is not None and (site.clamp is None or site.quant is not None):
        out = _same_scale(site, lowering, fields, x, "tms_maxpool2d_s8")
        return out if site.quant is None else lowering.requantized(out, site.quant)
    if x.quant is not None:
        site = lowering.in_float(site, "its activation is not quantised")
    return _float(site, lowering, {**fields, "count_padding": 0}, "tms_maxpool2d_f32")


def lower_average_pool(site: Site, lowering: Lowering) -> Tensor:
    """The mean of each window, of what lies inside or with padding counted as zeros."""
    fields = _window(site)
    pads_count = int(site.attributes.get("count_include_pad", 0)) and any(
        site.attributes.get("pads") or ()
    )
    x = site.tensor()
    if x.quant is not None and site.quant is not None:
        if x.quant == site.quant and not pads_count:
            return _same_scale(site, lowering, fields, x, "tms_avgpool2d_s8")
        if pads_count or not any(site.attributes.get("pads") or ()):
            return _as_depthwise(site, lowering, fields, x, site.quant)
    site = lowering.in_float(site, "the mean of a padded window changes the scale")
    params = {**fields, "count_padding": int(bool(pads_count))}
    return _float(site, lowering, params, "tms_avgpool2d_f32")


def _same_scale(
    site: Site, lowering: Lowering, fields: dict[str, int], x: Tensor, kernel: str
) -> Tensor:
    assert x.quant is not None
    params = {**fields, **clamp_int8(site.clamp, x.quant)}
    x = lowering.laid_out(x, layout.channels_last(x.shape))
    out = lowering.output(site, layout.channels_last(site.shape), x.quant)
    lowering.call(kernel, (x,), out, params, 0, fields["out_h"])
    return out


def _float(site: Site, lowering: Lowering, params: dict[str, int], kernel: str) -> Tensor:
    """Pooling, and clipping behind it where an activation is fused."""
    x, lay = site.tensor(), layout.channels_last(site.shape)
    x = lowering.laid_out(x, layout.channels_last(x.shape))
    if site.clamp is None:
        out = lowering.output(site, lay)
        lowering.call(kernel, (x,), out, params, 0, params["out_h"])
        return out
    pooled = lowering.result(f"{site.output}_pooled", site.shape, lay, "float32")
    lowering.call(kernel, (x,), pooled, params, 0, params["out_h"])
    out = lowering.output(site, lay)
    n = math.prod(site.shape)
    lowering.call("tms_clip_f32", (pooled,), out, {"n": n, **clamp_float(site.clamp)})
    return out


def _as_depthwise(
    site: Site, lowering: Lowering, fields: dict[str, int], x: Tensor, quant: Quant
) -> Tensor:
    """A mean that changes the scale: a depthwise convolution with ones, rescaled once."""
    assert x.quant is not None
    x_quant = x.quant
    x = lowering.laid_out(x, layout.channels_last(x.shape))
    out = lowering.output(site, layout.channels_last(site.shape), quant)
    channels, taps = fields["in_c"], fields["kernel_h"] * fields["kernel_w"]
    factors = np.full(channels, x_quant.scale / (quant.scale * taps))
    params = {
        **fields,
        "groups": channels,
        "in_offset": -x_quant.zero_point,
        "out_offset": quant.zero_point,
        **clamp_int8(site.clamp, quant),
        "weights": np.ones((fields["kernel_h"], fields["kernel_w"], channels), np.int8),
        "bias": np.zeros(channels, np.int32),
        **multipliers(factors),
    }
    macs = fields["out_h"] * fields["out_w"] * channels * taps
    lowering.call("tms_depthwise2d_s8", (x,), out, params, macs, fields["out_h"])
    return out


OPERATORS = (
    Operator(("MaxPool",), lower_max_pool, activation=True),
    Operator(("AveragePool",), lower_average_pool, activation=True),
)
