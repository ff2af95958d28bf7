"""Padding of sliding windows."""

from __future__ import annotations

from collections.abc import Sequence

from studio.model.importers.keras.site import Site


def same_pads(
    site: Site, sizes: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> list[int] | None:
    """The `pads` attribute of a window that reaches over so many samples; None for no padding.

    Formula: "same" as in TensorFlow, so that the output's size is the input's by the stride;
    "causal" pads all before.
    """
    padding = site.option("padding", "valid")
    if padding == "valid":
        return None
    if padding == "causal":
        pads = [span - 1 for span in reach] + [0] * len(reach)
    elif padding == "same":
        totals = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, span, stride in zip(sizes, reach, strides, strict=True)
        ]
        before = [total // 2 for total in totals]
        pads = [*before, *(total - b for total, b in zip(totals, before, strict=True))]
    else:
        raise site.refused(f"padding '{padding}' is not supported")
    return pads if any(pads) else None
