"""When the rings between calls that run row by row hold a row that is still needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.compiler.kernel import kernel_of
from studio.compiler.program import KernelCall, Step
from studio.compiler.rows import Flow

Span = tuple[int, int]


def spans(
    steps: Sequence[Step],
    calls: Sequence[KernelCall],
    rings: frozenset[int],
    flows: Mapping[int, Flow | None],
) -> dict[int, list[Span]]:
    """For each ring, places in `steps` from first to last, both included, at which it lives.

    A ring lives while a call writes or reads it, and in between where a row waits for somebody.
    """
    users = _users(steps, calls, rings, flows)
    done = {step.call: 0 for step in steps}
    begun = dict.fromkeys(rings, -1)
    touched = dict.fromkeys(rings, -1)
    held = dict.fromkeys(rings, False)
    found: dict[int, list[Span]] = {b: [] for b in rings}
    touches = {k: [b for b in {calls[k].outputs[0], *calls[k].inputs} if b in rings] for k in done}
    for at, step in enumerate(steps):
        done[step.call] += 1
        for b in touches[step.call]:
            if not held[b]:
                if touched[b] >= 0:
                    found[b].append((begun[b], touched[b]))
                begun[b] = at
            touched[b] = at
            held[b] = users[b].wait(done)
    for b in rings:
        if touched[b] >= 0:
            found[b].append((begun[b], touched[b]))
    return found


class _Users:
    """Who writes and who reads a ring."""

    def __init__(self, writer: int, carries: bool) -> None:
        self.writer, self.carries = writer, carries
        self.readers: list[tuple[int, Sequence[int]]] = []  # and the lowest row of each step

    def wait(self, done: Mapping[int, int]) -> bool:
        """True where the ring has a row that somebody will still read."""
        written = done[self.writer]
        if self.carries and written:
            return any(not done[k] for k, _ in self.readers)
        for k, lows in self.readers:
            step = done[k]
            if step < len(lows) and lows[step] < written:
                return True
        return False


def _users(
    steps: Sequence[Step],
    calls: Sequence[KernelCall],
    rings: frozenset[int],
    flows: Mapping[int, Flow | None],
) -> dict[int, _Users]:
    indices = sorted({step.call for step in steps})
    users = {
        calls[k].outputs[0]: _Users(k, kernel_of(calls[k]).carries)
        for k in indices
        if calls[k].outputs[0] in rings
    }
    for k in indices:
        for slot, source in enumerate(calls[k].inputs):
            if source in rings:
                rows = flows[k]
                assert rows is not None
                lows = [low for low, _ in rows.needs(slot)]
                users[int(source)].readers.append((k, lows))
    return users
