"""Which memory bank the arena goes into.

A core's tightly coupled memory (DTCM, CCM) is the fastest for data: the arena goes there if it
fits, else into the largest bank. Variables and stack go where room is left. The arena is one
piece of memory, but banks whose addresses follow each other count as one.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.targets.profile import Profile, Region

FAST = ("dtcm", "ccm", "tcm")


@dataclass(frozen=True, slots=True)
class Banks:
    """Where the memory of a model goes.

    Attributes:
        arena: names of the banks that hold the arena, in the order of their addresses.
        rest: names of the banks that hold variables and stack.
        fast: True where the arena lies in tightly coupled memory.
        several: True where the RAM would do, but no single bank: the plan needs more than one.
        over_bytes: what is missing.
    """

    arena: tuple[str, ...]
    rest: tuple[str, ...]
    fast: bool
    several: bool
    over_bytes: int


def banks(profile: Profile, arena_bytes: int, rest_bytes: int) -> Banks:
    """Place an arena, and variables and stack, in a board's banks."""
    spans = _spans([region for region in profile.memory if region.kind == "ram"])
    sizes = {span: sum(region.size_bytes for region in span) for span in spans}
    ordered = sorted(spans, key=lambda span: (not _is_fast(span), -sizes[span]))
    for chosen in ordered:
        others = {s: sizes[s] - (arena_bytes if s == chosen else 0) for s in spans}
        rest = max(others, key=lambda span: (others[span] >= rest_bytes, span == chosen,
                                             others[span]))  # fmt: skip
        if others[chosen] >= 0 and others[rest] >= rest_bytes:
            return Banks(_names(chosen), _names(rest), _is_fast(chosen), False, 0)
    largest = max(spans, key=lambda span: sizes[span])
    needed = arena_bytes + rest_bytes
    return Banks(
        _names(largest), _names(largest), _is_fast(largest),
        several=needed <= sum(sizes.values()),
        over_bytes=max(needed - sizes[largest], 0),
    )  # fmt: skip


def _spans(regions: list[Region]) -> list[tuple[Region, ...]]:
    """Banks whose addresses follow each other, together."""
    spans: list[tuple[Region, ...]] = []
    for region in sorted(regions, key=lambda region: region.address):
        last = spans[-1][-1] if spans else None
        if last is not None and last.address + last.size_bytes == region.address:
            spans[-1] = (*spans[-1], region)
        else:
            spans.append((region,))
    return spans


def _is_fast(span: tuple[Region, ...]) -> bool:
    return all(any(word in region.name.lower() for word in FAST) for region in span)


def _names(span: tuple[Region, ...]) -> tuple[str, ...]:
    return tuple(region.name for region in span)
