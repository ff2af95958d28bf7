"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.operator import Site
from studio.model.importers.tflite.window import before_and_after


def pool(site: Site) -> None:
    """AveragePool or MaxPool; padding counts in neither."""
    if len(site.tensor().shape) != 4:
        raise site.refused(f"{len(site.tensor().shape)} axes", DAMAGED)
    kernel = (site.option("FilterHeight"), site.option("FilterWidth"))
    strides = (site.option("StrideH"), site.option("StrideW"))
    pads = before_and_after(site, site.tensor().shape[1:3], kernel, strides)
    op_type = "MaxPool" if site.kind == "MAX_POOL_2D" else "AveragePool"
    out = site.emit(op_type, site.x(0, first=True), kernel_shape=kernel, strides=strides, pads=pads)
    site.done(site.activated(out), first=True)


TRANSLATORS = {"AVERAGE_POOL_2D": pool, "MAX_POOL_2D": pool}
