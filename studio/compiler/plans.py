"""The plans by name: in which order calls run, which of them row by row, where buffers lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

from studio.compiler import fuse
from studio.compiler.fuse import Layout
from studio.compiler.order import orders
from studio.compiler.program import Buffer, KernelCall, Options


def laid_out(options: Options, buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """The layout that a plan asks for: of the orders tried, the one whose arena is least."""
    whole = options.plan != "small"
    plan = fuse.layerwise if whole else fuse.smallest
    # With rings between calls no order is known to be best: the search would try them all.
    tries = islice(orders(buffers, calls), None if whole else 1)
    found: dict[tuple[int, ...], Layout] = {}
    for order in chain(tries, [tuple(range(len(calls)))]):
        if order not in found:
            found[order] = plan(buffers, [calls[k] for k in order])
        place = found[order].placement
        if whole and place.arena_bytes == place.bound_bytes:
            break
    return min(found.values(), key=lambda layout: layout.placement.arena_bytes)
