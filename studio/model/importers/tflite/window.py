"""Padding of sliding windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.model.importers.tflite.file import DAMAGED

if TYPE_CHECKING:
    from studio.model.importers.tflite.operator import Site


def is_same(site: Site) -> bool:
    """Whether a site pads so that the output's size is the input's by the stride."""
    import tflite

    return bool(site.option("Padding") == tflite.Padding.SAME)


def before_and_after(
    site: Site,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...] = (1, 1),
) -> list[int] | None:
    """The `pads` attribute of a window over [h, w]; None where nothing is padded.

    Formula: ComputePaddingHeightWidth in TFLite's kernels/padding.h.
    """
    if min(*strides, *dilations, *kernel) < 1:
        raise site.refused(f"kernel {kernel}, strides {strides}, dilations {dilations}", DAMAGED)
    if not is_same(site):
        return None
    totals = [
        max((-(-size // stride) - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
        for size, taps, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    before = [total // 2 for total in totals]
    pads = [*before, *(total - b for total, b in zip(totals, before, strict=True))]
    return pads if any(pads) else None
