"""Convolutions, plain, depthwise, separable and transposed, over one or two axes."""

from __future__ import annotations

import numpy as np

from studio.model.importers.keras.file import DAMAGED, Array
from studio.model.importers.keras.layers.activation import activated
from studio.model.importers.keras.site import Site
from studio.model.importers.keras.window import same_pads


def conv(site: Site) -> None:
    """Conv; kernels are [*taps, inputs / groups, outputs]."""
    kernel = _kernel(site, 0)
    value = _convolve(site, site.x(first=True), kernel, site.option("groups", 1), bias=1)
    site.done(activated(site, value, first=True), first=True)


def depthwise(site: Site) -> None:
    """Conv with a group for each channel; kernels are [*taps, channels, multiplier]."""
    value = _depthwise(site, bias=1)
    site.done(activated(site, value, first=True), first=True)


def separable(site: Site) -> None:
    """A depthwise convolution without bias, then one of a single tap."""
    value = _depthwise(site, bias=None)
    kernel = _kernel(site, 1)
    inputs = [value, site.const(_channels_first(kernel), "pointwise"), *_bias(site, 2)]
    value = site.emit("Conv", *inputs, kernel_shape=kernel.shape[:-2])
    site.done(activated(site, value, first=True), first=True)


def _depthwise(site: Site, bias: int | None) -> str:
    kernel = _kernel(site, 0)
    *taps, channels, multiplier = kernel.shape
    flat = kernel.reshape(*taps, 1, channels * multiplier)
    return _convolve(site, site.x(first=True), flat, channels, bias)


def _convolve(site: Site, x: str, kernel: Array, groups: int, bias: int | None) -> str:
    taps = kernel.shape[:-2]
    strides = site.sizes("strides", len(taps))
    dilations = site.sizes("dilation_rate", len(taps))
    reach = [(size - 1) * step + 1 for size, step in zip(taps, dilations, strict=True)]
    inputs = [x, site.const(_channels_first(kernel), "kernel")]
    return site.emit(
        "Conv",
        *inputs,
        *(_bias(site, bias) if bias is not None else ()),
        kernel_shape=taps,
        strides=strides,
        dilations=dilations,
        group=groups,
        pads=same_pads(site, site.shape()[1:-1], reach, strides),
    )


def transposed(site: Site) -> None:
    """ConvTranspose; kernels are [*taps, outputs, inputs].

    Formula: the output's size of conv_transpose in Keras's src/backend/common.
    """
    kernel = _kernel(site, 0)
    taps = kernel.shape[:-2]
    strides = site.sizes("strides", len(taps))
    if site.option("output_padding") is not None or max(site.sizes("dilation_rate", len(taps))) > 1:
        raise site.refused("an output padding or a dilation is not supported")
    same = site.option("padding") == "same"
    before, after, extra = [], [], []
    for size, reach, stride in zip(site.shape()[1:-1], taps, strides, strict=True):
        wanted = size * stride + (0 if same else max(reach - stride, 0))
        total = max((size - 1) * stride + reach - wanted, 0)
        before.append(total // 2)
        after.append(total - total // 2)
        extra.append(wanted - ((size - 1) * stride + reach - total))
    axes = range(len(taps))
    weights = kernel.transpose(len(taps) + 1, len(taps), *axes)
    value = site.emit(
        "ConvTranspose",
        site.x(first=True),
        site.const(weights, "kernel"),
        *_bias(site, 1),
        kernel_shape=taps,
        strides=strides,
        pads=[*before, *after],
        output_padding=extra if any(extra) else None,
    )
    site.done(activated(site, value, first=True), first=True)


def _kernel(site: Site, number: int) -> Array:
    site.need_channels_last()
    kernel = site.weight(number)
    if not 3 <= kernel.ndim <= 4 or kernel.ndim != len(site.shape()):
        raise site.refused(f"a kernel {kernel.shape} on {len(site.shape())} axes", DAMAGED)
    return kernel


def _channels_first(kernel: Array) -> Array:
    axes = range(kernel.ndim - 2)
    return np.ascontiguousarray(kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *axes))


def _bias(site: Site, number: int) -> list[str]:
    return [site.const(site.weight(number), "bias")] if site.option("use_bias", True) else []


TRANSLATORS = {
    "Conv1D": conv,
    "Conv2D": conv,
    "DepthwiseConv1D": depthwise,
    "DepthwiseConv2D": depthwise,
    "SeparableConv1D": separable,
    "SeparableConv2D": separable,
    "Conv1DTranspose": transposed,
    "Conv2DTranspose": transposed,
}
