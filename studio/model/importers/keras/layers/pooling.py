"""Pooling over windows and over everything."""

from __future__ import annotations

from studio.model.importers.keras.site import Site
from studio.model.importers.keras.window import same_pads


def pool(site: Site) -> None:
    """AveragePool or MaxPool; padding counts in neither."""
    site.need_channels_last()
    sizes = site.shape()[1:-1]
    window = site.sizes("pool_size", len(sizes), 2)
    strides = site.sizes("strides", len(sizes)) if site.option("strides") else window
    value = site.emit(
        "MaxPool" if site.kind.startswith("Max") else "AveragePool",
        site.x(first=True),
        kernel_shape=window,
        strides=strides,
        pads=same_pads(site, sizes, window, strides),
    )
    site.done(value, first=True)


def whole(site: Site) -> None:
    """GlobalAveragePool or GlobalMaxPool, with or without the axes that shrink to 1."""
    site.need_channels_last()
    op_type = "GlobalMaxPool" if "Max" in site.kind else "GlobalAveragePool"
    value = site.emit(op_type, site.x(first=True))
    if site.option("keepdims", False):
        site.done(value, first=True)
    else:
        site.done(site.reshaped(value, (1, site.shape()[-1])))


TRANSLATORS = {
    f"{kind}{layer}{axes}D": translator
    for kind, translator in (("", pool), ("Global", whole))
    for layer in ("AveragePooling", "MaxPooling")
    for axes in (1, 2)
}
