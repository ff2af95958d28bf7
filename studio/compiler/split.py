"""A Program's arena in two pieces, for boards of which no bank of memory holds it whole.

Each buffer lies whole in one piece: those that are read and written most, for their size, in the
fast one as far as they go. Inputs and outputs lie in the first piece, which also holds the address
of the second, so that whoever drives a model still needs to know of one arena only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from studio.compiler.arena import ALIGN_BYTES, Neighbours, aligned, lowest, neighbours
from studio.compiler.fuse import lifetimes
from studio.compiler.program import Piece, Program

LINK_BYTES = 8  # of an address, on a 64-bit computer too
_KEPT = 64


@lru_cache(maxsize=_KEPT)
def split(program: Program, fast: Piece, slow: Piece) -> Program | None:
    """The program with its buffers in two pieces, or None where none was found that fits.

    Args:
        program: with its arena in one piece.
        fast: the faster bank, and the bytes that are free there.
        slow: the other one.
    """
    task = _Task.of(program)
    found: list[tuple[int, int, int, list[tuple[int, int]]]] = []
    for home in (0, 1):  # the piece with inputs and outputs
        limits = [piece.size_bytes // ALIGN_BYTES * ALIGN_BYTES for piece in (fast, slow)]
        limits[home] -= LINK_BYTES
        for order in task.orders():
            places = task.dropped(order, limits, home)
            if places is not None and len({piece for piece, _ in places}) == 2:
                far = sum(task.traffic[b] for b, (piece, _) in enumerate(places) if piece)
                found.append((far, len(found), home, places))
    if not found:
        return None
    _, _, home, places = min(found)
    return _assembled(program, (fast.bank, slow.bank), home, places)


def _assembled(
    program: Program, banks: tuple[str, str], home: int, places: Sequence[tuple[int, int]]
) -> Program:
    """The program with these places; the piece with inputs and outputs comes first."""
    ends = [0, 0]
    for buffer, (piece, offset) in zip(program.buffers, places, strict=True):
        ends[piece] = max(ends[piece], offset + aligned(buffer.size_bytes))
    ends[home] += LINK_BYTES
    pieces = tuple(Piece(banks[at], ends[at]) for at in (home, 1 - home))
    offsets = tuple(
        LINK_BYTES + offset if piece == home else ends[home] + offset for piece, offset in places
    )
    return replace(program, offsets=offsets, arena_bytes=sum(ends), pieces=pieces)


def traffic_bytes(program: Program) -> list[int]:
    """Bytes that a run reads from and writes to each buffer: a MAC reads one activation."""
    traffic = [0] * len(program.buffers)
    for call in program.calls:
        for number, slot in enumerate(call.inputs):
            if isinstance(slot, int):
                buffer = program.buffers[slot]
                width = buffer.tensor_bytes // max(math.prod(buffer.shape), 1)
                products = call.macs * width if number == 0 else 0
                traffic[slot] += max(products, buffer.tensor_bytes)
        for slot in call.outputs:
            traffic[slot] += program.buffers[slot].tensor_bytes
        if call.scratch is not None:
            traffic[call.scratch] += 2 * program.buffers[call.scratch].size_bytes
    return traffic


@dataclass(frozen=True)
class _Task:
    """What placing a program's buffers takes to know."""

    sizes: list[int]
    starts: list[int]
    traffic: list[int]
    border: list[bool]
    near: Neighbours
    overlaps: Mapping[tuple[int, int], int]

    @classmethod
    def of(cls, program: Program) -> _Task:
        lives = lifetimes(program.buffers, program.calls, program.stages)
        sizes = [aligned(buffer.size_bytes) for buffer in program.buffers]
        return cls(
            sizes=sizes,
            starts=[(life & -life).bit_length() for life in lives],
            traffic=traffic_bytes(program),
            border=[buffer.role in ("input", "output") for buffer in program.buffers],
            near=neighbours(sizes, lives, program.overlaps),
            overlaps=program.overlaps,
        )

    def orders(self) -> list[list[int]]:
        """Busy bytes first; large buffers first; overwritten ones behind what overwrites them."""
        every = range(len(self.sizes))
        overlapped = {b for pair in self.overlaps for b in pair}
        return [
            sorted(every, key=lambda b: (-self.traffic[b] / max(self.sizes[b], 1), -self.sizes[b])),
            sorted(every, key=lambda b: (-self.sizes[b], -self.traffic[b])),
            sorted(every, key=lambda b: (b not in overlapped, -self.starts[b], -self.sizes[b])),
        ]

    def dropped(
        self, order: Sequence[int], limits: Sequence[int], home: int
    ) -> list[tuple[int, int]] | None:
        """Piece and offset of each buffer, in turn as low as it goes; None where one is left."""
        places: list[tuple[int, int] | None] = [None] * len(order)
        for b in order:
            for piece in (home,) if self.border[b] else (0, 1):
                taken = [
                    (place[1] - below, place[1] + above)
                    for j, below, above in self.near[b]
                    if (place := places[j]) is not None and place[0] == piece
                ]
                low = lowest(taken)
                if low + self.sizes[b] <= limits[piece]:
                    places[b] = (piece, low)
                    break
            else:
                return None
        return [place for place in places if place is not None]
