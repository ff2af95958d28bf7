"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""

from __future__ import annotations

import numpy as np

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.operator import Site
from studio.model.importers.tflite.window import before_and_after, is_same

OHWI_TO_OIHW = (0, 3, 1, 2)
IHWO_TO_OIHW = (3, 0, 1, 2)  # depthwise: [1, h, w, o]
OHWI_TO_IOHW = (3, 0, 1, 2)  # transposed


def conv_2d(site: Site) -> None:
    """Conv; groups follow from the weights' depth."""
    _need_4_axes(site)
    channels, depth = site.tensor(0).shape[3], site.tensor(1).shape[3]
    if depth == 0 or channels % depth:
        raise site.refused(f"{channels} channels for weights of depth {depth}", DAMAGED)
    _convolve(site, OHWI_TO_OIHW, site.tensor(1).shape[1:3], channels // depth)


def depthwise_conv_2d(site: Site) -> None:
    """Conv with a group for each channel."""
    _need_4_axes(site)
    _convolve(site, IHWO_TO_OIHW, site.tensor(1).shape[1:3], site.tensor(0).shape[3])


def _need_4_axes(site: Site) -> None:
    if len(site.tensor(0).shape) != 4 or len(site.tensor(1).shape) != 4:
        raise site.refused("input or weights have not four axes", DAMAGED)


def _convolve(site: Site, perm: tuple[int, ...], kernel: tuple[int, ...], groups: int) -> None:
    strides = (site.option("StrideH"), site.option("StrideW"))
    dilations = (site.option("DilationHFactor", 1), site.option("DilationWFactor", 1))
    inputs = [site.x(0, first=True), site.graph.weights(site.index(1), perm)]
    if site.has(2):
        inputs.append(site.bias(2))
    out = site.emit(
        "Conv",
        *inputs,
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        group=groups,
        pads=before_and_after(site, site.tensor(0).shape[1:3], kernel, strides, dilations),
    )
    scales = site.tensor(1).scales
    site.mark_if_hybrid(asymmetric=groups > 1 or (scales is not None and scales.size > 1))
    site.done(site.activated(out), first=True)


def transpose_conv(site: Site) -> None:
    """ConvTranspose; inputs are the output's shape, the weights, the tensor and a bias."""
    shape, weights, x = site.result().shape, site.tensor(1), site.tensor(2)
    if len(shape) != 4 or len(weights.shape) != 4 or len(x.shape) != 4:
        raise site.refused("a tensor has not four axes", DAMAGED)
    strides = (site.option("StrideH"), site.option("StrideW"))
    total = [
        max((x.shape[1 + axis] - 1) * strides[axis] + weights.shape[1 + axis] - shape[1 + axis], 0)
        if is_same(site)
        else 0
        for axis in range(2)
    ]
    before = [pad // 2 for pad in total]
    covered = [
        (x.shape[1 + axis] - 1) * strides[axis] + weights.shape[1 + axis] - total[axis]
        for axis in range(2)
    ]
    extra = [size - got for size, got in zip(shape[1:3], covered, strict=True)]
    if min(extra) < 0:
        raise site.refused(f"an output of {shape[1:3]} that cuts what is computed")
    inputs = [site.x(2, first=True), site.graph.weights(site.index(1), OHWI_TO_IOHW)]
    if site.has(3):
        inputs.append(site.bias(3, of=2))
    out = site.emit(
        "ConvTranspose",
        *inputs,
        kernel_shape=weights.shape[1:3],
        strides=strides,
        pads=[*before, *(int(t - b) for t, b in zip(total, before, strict=True))],
        output_padding=extra if np.any(extra) else None,
    )
    site.done(site.activated_if_any(out), first=True)


TRANSLATORS = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv,
}
