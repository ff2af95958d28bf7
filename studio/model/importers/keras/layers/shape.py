"""Inputs, and layers that move elements or leave them."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.errors import ModelError
from studio.model.importers.keras.file import DAMAGED
from studio.model.importers.keras.site import Site


def input_layer(site: Site) -> None:
    """A graph input with batch 1."""
    told = site.option("batch_shape") or site.option("batch_input_shape") or []
    sizes = [size for size in told[1:]]
    if not told or any(type(size) is not int or size < 1 for size in sizes):
        raise ModelError(
            f"input '{site.name}' has the shape {told}",
            site.graph.where,
            "only the batch (dimension 0) may be dynamic; build the model with a fixed size",
        )
    dtype = site.option("dtype", "float32")
    dtype = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    site.graph.add_input((site.name, 0, 0), (1, *sizes), str(dtype))


def idle(site: Site) -> None:
    """Layers that do something in training only."""
    first = site.is_first()
    site.done(site.emit("Identity", site.x(first=first)), first)


def flatten(site: Site) -> None:
    """Elements in Keras's order."""
    site.need_channels_last()
    site.done(site.reshaped(site.x(), (1, int(np.prod(site.shape()[1:])))))


def reshape(site: Site) -> None:
    """To a shape with one size left open at most."""
    target = site.option("target_shape", [])
    if any(type(size) is not int or size < -1 or size == 0 for size in target):
        raise site.refused(f"to {target}", DAMAGED)
    site.done(site.reshaped(site.x(), (1, *target)))


def permute(site: Site) -> None:
    """Axes are counted from 1, the batch is 0."""
    dims = site.option("dims", [])
    if sorted(dims) != list(range(1, len(site.shape()))):
        raise site.refused(f"by {dims}", DAMAGED)
    site.done(site.emit("Transpose", site.x(), perm=[0, *dims]))


def _sides(site: Site, name: str) -> list[tuple[int, int]]:
    """(before, after) for each spatial axis."""
    rank = len(site.shape()) - 2
    told = site.option(name, 1)
    if isinstance(told, int):
        told = [told] * rank
    if rank == 1 and len(told) == 2:
        told = [told]
    pairs: list[Any] = [[side, side] if isinstance(side, int) else side for side in told]
    if len(pairs) != rank or any(len(p) != 2 or min(p) < 0 for p in pairs):
        raise site.refused(f"{name} {told}", DAMAGED)
    return [(int(before), int(after)) for before, after in pairs]


def zero_padding(site: Site) -> None:
    """Pad with zeros."""
    site.need_channels_last()
    sides = _sides(site, "padding")
    pads = [0, 0, *(b for b, _ in sides), 0, 0, *(a for _, a in sides)]
    zero = site.const(0, "zero")
    site.done(site.emit("Pad", site.x(first=True), site.integers(pads, "pads"), zero), first=True)


def cropping(site: Site) -> None:
    """Slice off the borders."""
    site.need_channels_last()
    sides = _sides(site, "cropping")
    starts = [before for before, _ in sides]
    ends = [size - after for size, (_, after) in zip(site.shape()[1:-1], sides, strict=True)]
    axes = range(2, 2 + len(sides))
    limits = [site.integers(v, n) for n, v in (("starts", starts), ("ends", ends), ("axes", axes))]
    site.done(site.emit("Slice", site.x(first=True), *limits), first=True)


def up_sampling(site: Site) -> None:
    """Resize by whole factors, each element repeated."""
    site.need_channels_last()
    if site.option("interpolation", "nearest") != "nearest":
        raise site.refused("only the nearest neighbour is supported")
    factors = site.sizes("size", len(site.shape()) - 2)
    value = site.emit(
        "Resize",
        site.x(first=True),
        "",
        site.const([1, 1, *factors], "scales"),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    site.done(value, first=True)


_IDLE = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise",
    "AlphaDropout", "ActivityRegularization",
)  # fmt: skip

TRANSLATORS = {
    **dict.fromkeys(_IDLE, idle),
    "InputLayer": input_layer,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "ZeroPadding1D": zero_padding,
    "ZeroPadding2D": zero_padding,
    "Cropping1D": cropping,
    "Cropping2D": cropping,
    "UpSampling1D": up_sampling,
    "UpSampling2D": up_sampling,
}
