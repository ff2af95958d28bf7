"""The plans by name: in which order calls run, which of them row by row, where buffers lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

from studio.compiler import fuse
from studio.compiler.fuse import Layout
from studio.compiler.order import orders
from studio.compiler.program import Buffer, KernelCall, Options

_PLANS = {
    "layerwise": fuse.layerwise,
    "small": fuse.smallest,
    "balanced": fuse.balanced,
    "fast": fuse.overlapped,
}


def laid_out(options: Options, buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Layout:
    """The layout that a plan asks for: of the orders tried, the one whose arena is least."""
    plan, found = _PLANS[options.plan], {}
    # Where tensors are whole the least is known; else the search would try all orders.
    whole = options.plan == "layerwise"
    tries = islice(orders(buffers, calls), None if whole else 1)
    for order in chain(tries, [tuple(range(len(calls)))]):
        if order not in found:
            found[order] = plan(buffers, [calls[k] for k in order])
        place = found[order].placement
        if whole and place.arena_bytes == place.bound_bytes:
            break
    return min(found.values(), key=lambda layout: layout.placement.arena_bytes)
