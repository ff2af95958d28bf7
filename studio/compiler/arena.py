"""Where buffers lie in the arena.

Placement is a two-dimensional packing: a buffer takes its bytes for as long as it lives.
Greedy by size first, then exchanges in the order of placement until the lower bound (the
most bytes that live at once) is met or a number of tries is used up: a number, not a time,
so that the same model gives the same bytes on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from studio.compiler.program import Buffer, KernelCall

ALIGN_BYTES = 4


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Calls from the one that writes a buffer to the last that reads it, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Offsets parallel to the buffers, what they take together, and the least possible."""

    offsets: tuple[int, ...]
    arena_bytes: int
    bound_bytes: int


def plan(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> Placement:
    """Place the buffers of a layer-by-layer Program."""
    sizes = [-(-buffer.size_bytes // ALIGN_BYTES) * ALIGN_BYTES for buffer in buffers]
    return place(tuple(sizes), tuple(lifetimes(buffers, calls)))


def lifetimes(buffers: Sequence[Buffer], calls: Sequence[KernelCall]) -> list[Lifetime]:
    """When each buffer lives. Inputs live from the start, outputs to the end, state always."""
    end = len(calls)
    first = [end] * len(buffers)
    last = [-1] * len(buffers)
    for time_, call in enumerate(calls):
        used = [*call.inputs, *call.outputs, *([] if call.scratch is None else [call.scratch])]
        for index in used:
            if isinstance(index, int):
                first[index] = min(first[index], time_)
                last[index] = max(last[index], time_)
    for index, buffer in enumerate(buffers):
        if buffer.role in ("input", "state"):
            first[index] = 0
            last[index] = max(last[index], 0)
        if buffer.role in ("output", "state"):
            last[index] = end
            first[index] = min(first[index], end)
    return [Lifetime(f, la) for f, la in zip(first, last, strict=True)]


def bound(sizes: Sequence[int], lives: Sequence[Lifetime]) -> int:
    """The most bytes that live at once: no placement takes less."""
    changes: dict[int, int] = {}
    for size, life in zip(sizes, lives, strict=True):
        changes[life.first] = changes.get(life.first, 0) + size
        changes[life.last + 1] = changes.get(life.last + 1, 0) - size
    live = most = 0
    for time_ in sorted(changes):
        live += changes[time_]
        most = max(most, live)
    return most


@lru_cache(maxsize=64)
def place(sizes: tuple[int, ...], lives: tuple[Lifetime, ...], tries: int = 2000) -> Placement:
    """Offsets such that no two live buffers overlap, as low as the tries allow.

    Args:
        sizes: bytes, multiples of the alignment.
        lives: parallel to `sizes`.
        tries: exchanges to try once the greedy placement has missed the bound.
    """
    least = bound(sizes, lives)
    neighbours = [
        [
            j
            for j, other in enumerate(lives)
            if j != i and life.first <= other.last and other.first <= life.last
        ]
        for i, life in enumerate(lives)
    ]
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], lives[i].first))
    offsets, height = _drop(order, sizes, neighbours)
    dice = random.Random(0)
    for _ in range(tries if len(order) > 1 else 0):
        if height == least:
            break
        i, j = dice.sample(range(len(order)), 2)
        order[i], order[j] = order[j], order[i]
        tried, tried_height = _drop(order, sizes, neighbours)
        if tried_height <= height:
            offsets, height = tried, tried_height
        else:
            order[i], order[j] = order[j], order[i]
    return Placement(tuple(offsets), height, least)


def _drop(
    order: Sequence[int], sizes: Sequence[int], neighbours: Sequence[Sequence[int]]
) -> tuple[list[int], int]:
    """Put each buffer in turn at the lowest gap between those that live with it."""
    offsets = [-1] * len(sizes)
    height = 0
    for i in order:
        taken = sorted(
            (offsets[j], offsets[j] + sizes[j]) for j in neighbours[i] if offsets[j] >= 0
        )
        low = 0
        for start, stop in taken:
            if start - low >= sizes[i]:
                break
            low = max(low, stop)
        offsets[i] = low
        height = max(height, low + sizes[i])
    return offsets, height
