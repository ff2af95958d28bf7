"""How long an inference takes on a board, in all and layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from studio.boards.link import Link
from studio.boards.verify import random_input
from studio.job import Job, Progress
from studio.targets.figure import Figure
from studio.targets.profile import Profile

Unit = Literal["instructions", "cycles", "ns"]
# With -icount shift=0 QEMU's clock moves on by one nanosecond an instruction.
_QEMU_INSTRUCTIONS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One layer's share; `value` is in the unit of the Timing."""

    name: str
    value: Figure


@dataclass(frozen=True, slots=True)
class Timing:
    """The measured times of one inference.

    Attributes:
        unit: instructions on QEMU (not cycles), cycles on real boards, nanoseconds on the host.
        total: one inference.
        layers: each layer, in order; measured in another run, with the clock stopped in between.
    """

    unit: Unit
    total: Figure
    layers: tuple[LayerTime, ...]


def timing(link: Link, profile: Profile, layers: Sequence[str] = (), seed: int = 0) -> Job[Timing]:
    """Measure one inference on a random input.

    Args:
        link: to the board.
        profile: the board.
        layers: names of the layers in the order in which they run.
        seed: of the input.
    """
    info = link.info
    rng = np.random.default_rng(seed)
    inputs = [random_input(tensor, rng) for tensor in info.inputs]
    yield Progress("measuring")
    total, parts = link.time(inputs)
    unit, per_tick = _unit(profile, info.tick_hz)
    detail = f"{profile.id}, in steps of {per_tick:g} {unit}"

    def figure(ticks: int) -> Figure:
        return Figure(round(ticks * per_tick), "measured", detail)

    names = layers if len(layers) == len(parts) else [f"layer {i}" for i in range(len(parts))]
    found = tuple(LayerTime(name, figure(t)) for name, t in zip(names, parts, strict=True))
    return Timing(unit, figure(total), found)


def _unit(profile: Profile, tick_hz: int) -> tuple[Unit, float]:
    if profile.machine:
        return "instructions", _QEMU_INSTRUCTIONS_PER_S / tick_hz
    if profile.core == "host":
        return "ns", 1_000_000_000 / tick_hz
    return "cycles", 1.0
