"""Random graphs for the planner, and a machine that finds out who overwrites whom."""

from __future__ import annotations

import random

import numpy as np

from studio.compiler import plans
from studio.compiler.fuse import Layout
from studio.compiler.program import Buffer, KernelCall, Options

DEAD = -1


def random_graph(seed: int) -> tuple[list[Buffer], list[KernelCall]]:
    """A net of 20 to 60 nodes with fan-out, skips and concatenations of 16 to 65 536 bytes."""
    dice = random.Random(seed)
    nodes = dice.randint(20, 60)
    sources: list[set[int]] = []
    for node in range(nodes):
        chosen = {node} if dice.random() < 0.8 else set()
        for _ in range(dice.choice((1, 1, 1, 2, 2, 3)) - len(chosen)):
            chosen.add(max(0, node - int(dice.expovariate(0.3))))
        sources.append(chosen)
    sizes = [4 * dice.randint(4, 16384) for _ in range(nodes + 1)]
    read = {b for chosen in sources for b in chosen}
    roles = ["input", *("activation" if i in read else "output" for i in range(1, nodes + 1))]
    buffers = [
        Buffer(f"b{i}", (size,), "int8", role)
        for i, (size, role) in enumerate(zip(sizes, roles, strict=True))
    ]
    calls = []
    for out, chosen in enumerate(sources, 1):
        if len(chosen) == 1:
            calls.append(KernelCall(f"b{out}", "tms_lut_s8", tuple(chosen), (out,), {}))
        for source in sorted(chosen) if len(chosen) > 1 else ():  # a concatenation
            calls.append(KernelCall(f"b{out}", "tms_copy_b8", (source,), (out,), {}))
    return buffers, calls


def planned(seed: int) -> Layout:
    """A random graph in plan `layerwise`."""
    return plans.laid_out(Options(), *random_graph(seed))


def overwritten(layout: Layout) -> list[str]:
    """Buffers whose bytes somebody changed while they were needed, call by call.

    Knows nothing of moments and lives: a call finds each of its inputs whole, marks what it
    writes as its own, and the bytes of what nobody reads any more are poisoned.
    """
    memory = np.full(layout.placement.arena_bytes, DEAD, np.int32)
    places = [
        slice(offset, offset + buffer.size_bytes)
        for buffer, offset in zip(layout.buffers, layout.placement.offsets, strict=True)
    ]
    for b, buffer in enumerate(layout.buffers):
        if buffer.role == "input":
            memory[places[b]] = b
    wrong = []
    begun = {b for b, buffer in enumerate(layout.buffers) if buffer.role == "input"}
    for at, call in enumerate(layout.calls):
        later = {b for after in layout.calls[at + 1 :] for b in (*after.inputs, *after.outputs)}
        for out in call.outputs:
            if out not in begun:
                memory[places[out]] = out
                begun.add(out)
        for used in (*call.inputs, *call.outputs):
            if (memory[places[used]] != used).any():
                wrong.append(f"{layout.buffers[used].name} at call {at}")
        for used in {*call.inputs, *call.outputs} - later:
            if layout.buffers[used].role != "output":
                memory[places[used]] = DEAD
    outputs = (b for b, buffer in enumerate(layout.buffers) if buffer.role == "output")
    return wrong + [layout.buffers[b].name for b in outputs if (memory[places[b]] != b).any()]
