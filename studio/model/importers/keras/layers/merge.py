"""Layers that take several tensors."""

from __future__ import annotations

import numpy as np

from studio.model.importers.keras.graph import to_first
from studio.model.importers.keras.site import Site

_OPERATORS = {
    "Add": "Add",
    "Subtract": "Sub",
    "Multiply": "Mul",
    "Average": "Add",
    "Maximum": "Max",
    "Minimum": "Min",
}


def elementwise(site: Site) -> None:
    """One operator after the other; tensors of the same rank are broadcast."""
    ranks = {len(site.shape(number)) for number in range(len(site.sources))}
    if len(ranks) > 1:
        raise site.refused("tensors with different numbers of axes")
    first = site.is_first()
    value = site.x(0, first)
    for number in range(1, len(site.sources)):
        value = site.emit(_OPERATORS[site.kind], value, site.x(number, first))
    if site.kind == "Average":
        value = site.emit("Mul", value, site.const(1 / len(site.sources), "share", np.float32))
    site.done(value, first)


def concatenate(site: Site) -> None:
    """Along one axis."""
    rank, axis = len(site.shape()), site.option("axis", -1)
    if not isinstance(axis, int) or not -rank <= axis < rank or axis % rank == 0:
        raise site.refused(f"along axis {axis}")
    first = site.is_first() and rank > 2
    place = to_first(rank).index(axis % rank) if first else axis % rank
    values = [site.x(number, first) for number in range(len(site.sources))]
    site.done(site.emit("Concat", *values, axis=place), first)


TRANSLATORS = {**dict.fromkeys(_OPERATORS, elementwise), "Concatenate": concatenate}
