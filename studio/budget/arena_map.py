"""What a map of an arena shows: which buffer lies where at which calls, and how people name it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from studio.compiler.fuse import call_spans
from studio.compiler.program import Program


@dataclass(frozen=True, slots=True)
class Span:
    """A buffer's place: calls [first, last], bytes [start, end)."""

    buffer: int
    first: int
    last: int
    start: int
    end: int


def spans(program: Program) -> list[Span]:
    """When and where each buffer lives."""
    found = []
    for index, (first, last) in enumerate(call_spans(program)):
        start = program.offsets[index]
        found.append(Span(index, first, last, start, start + program.buffers[index].size_bytes))
    return found


def shared(found: list[Span]) -> list[tuple[Span, Span]]:
    """Pairs of buffers of neighbouring calls of which one begins in the memory of the other."""
    return [
        (a, b)
        for at, a in enumerate(found)
        for b in found[at + 1 :]
        if a.start < b.end and b.start < a.end and a.first <= b.last and b.first <= a.last
    ]


def common(one: Span, other: Span) -> Span:
    """The calls and bytes that belong to both."""
    return Span(
        one.buffer,
        max(one.first, other.first),
        min(one.last, other.last),
        max(one.start, other.start),
        min(one.end, other.end),
    )


def without(span: Span, hole: Span) -> list[Span]:
    """What is above, below, before and behind a hole."""
    both = common(span, hole)
    if both.first > both.last or both.start >= both.end:
        return [span]
    parts = (
        replace(span, start=both.end),
        replace(span, end=both.start),
        replace(span, last=both.first - 1),
        replace(span, first=both.last + 1),
    )
    return [part for part in parts if part.start < part.end and part.first <= part.last]


def row_stages(program: Program) -> list[tuple[int, int]]:
    """First and last call of each stage that runs row by row."""
    calls = [[step.call for step in stage] for stage in program.stages]
    return [(min(stage), max(stage)) for stage in calls if len(set(stage)) > 1]


def short_names(program: Program) -> list[str]:
    """Layer names without the scope that all share, and without the names of fused layers."""
    names = [call.layer.split(";")[0] for call in program.calls]
    scopes = [name.split("/")[:-1] for name in names]
    common = 0
    for parts in zip(*scopes, strict=False):
        if len(set(parts)) > 1:
            break
        common += 1
    return ["/".join(name.split("/")[common:]) for name in names]


def buffer_names(program: Program) -> list[str]:
    """Names of the buffers without what quantising appended to them."""
    return [buffer.name.removesuffix("/raw").removesuffix("/int8") for buffer in program.buffers]
