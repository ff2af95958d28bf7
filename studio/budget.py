"""Program x Profile: what a model takes on a board, before anything is built."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property

from studio.build.size_table import SizeTable, data_bytes, size_table
from studio.compiler.fuse import lifetimes
from studio.compiler.program import Program
from studio.errors import BuildError
from studio.targets.figure import Figure, Source
from studio.targets.profile import Profile
from studio.targets.resources import resource

DEFAULT_STACK_BYTES = 4096  # of boards whose port is not written yet


@dataclass(frozen=True)
class Budget:
    """What a Program takes on a board, and what the board has.

    Not fitting is a value: `over_flash_bytes` and `over_ram_bytes` say by how much.

    Attributes:
        profile: the board.
        flash_bytes: code, constants and initial values, as the linker map counts them.
        ram_bytes: variables with the arena, as the linker map counts them; without the stack.
        stack_bytes: what is set aside for the stack.
        arena_bytes, arena_bound_bytes: the arena and the least that a plan could take.
        scratch_bytes: the part of the arena that kernels use for themselves.
        macs: multiply-accumulates of an inference.
        flash_parts: bytes by what takes them: weights, code of the model, kernels, firmware.
        peak: the layer at which the arena is fullest, and the buffers that live then.
    """

    profile: Profile
    flash_bytes: Figure
    ram_bytes: Figure
    stack_bytes: Figure
    arena_bytes: Figure
    arena_bound_bytes: Figure
    scratch_bytes: Figure
    macs: Figure
    flash_parts: dict[str, int] = field(default_factory=dict)
    peak: tuple[str, tuple[str, ...]] = ("", ())

    @cached_property
    def over_flash_bytes(self) -> int:
        """Bytes of flash that are missing; 0 where it fits."""
        return max(int(self.flash_bytes.value) - self.profile.size_bytes("flash"), 0)

    @cached_property
    def over_ram_bytes(self) -> int:
        """Bytes of RAM that are missing for variables and stack; 0 where they fit."""
        taken = int(self.ram_bytes.value + self.stack_bytes.value)
        return max(taken - self.profile.size_bytes("ram"), 0)

    @property
    def fits(self) -> bool:
        """True where flash and RAM suffice."""
        return not self.over_flash_bytes and not self.over_ram_bytes


def budget(program: Program, profile: Profile, toolchain: str = "zig") -> Budget:
    """What a Program takes on a board, with the monitor firmware around it.

    Flash follows from the Program and a table of kernel sizes for the compiler and core; for
    a board whose port is not written yet, the port of a virtual board with its core stands in
    and the figures are marked as estimated.

    Raises:
        BuildError: no table for this compiler and the board's core.
    """
    table = size_table(toolchain, _measured_core(profile.core))
    stands_in = not profile.port or profile.core != table.core
    source: Source = "estimated" if stands_in else "computed"
    detail = f"kernel sizes of {table.toolchain} {table.version} on {table.core}"
    if stands_in:
        detail += "; the board's own start-up code is not written yet"
    parts = _flash_parts(program, table)
    arena = max(program.arena_bytes, 1)
    return Budget(
        profile=profile,
        flash_bytes=Figure(sum(parts.values()), source, detail),
        ram_bytes=Figure(table.ram_bytes + arena, source, detail),
        stack_bytes=Figure(_stack_bytes(profile.port), "estimated", "set aside by the port"),
        arena_bytes=Figure(arena, "computed", "placement of all buffers"),
        arena_bound_bytes=Figure(program.bound_bytes, "computed", "most bytes live at once"),
        scratch_bytes=Figure(program.scratch_bytes, "computed", "largest scratch of a call"),
        macs=Figure(program.macs, "computed", "shapes of the layers"),
        flash_parts=parts,
        peak=_peak(program),
    )


def _measured_core(core: str) -> str:
    """The core whose table serves; the host's code is counted as a Cortex-M4F's would be."""
    return "cortex-m4f" if core == "host" else core


def _flash_parts(program: Program, table: SizeTable) -> dict[str, int]:
    missing = sorted({call.kernel for call in program.calls} - table.kernels.keys())
    if missing:
        raise BuildError(
            f"the table of code sizes lacks {missing[0]}",
            f"{table.toolchain} {table.core}",
            "make the tables again: make size-tables",
        )
    used = {call.kernel: table.kernels[call.kernel] for call in program.calls}
    functions: dict[str, int] = {}
    for size in used.values():
        functions |= size.functions
    weights = sum(constant.size_bytes for constant in program.constants.values())
    calls = sum(table.kernels[call.kernel].call_bytes for call in program.calls)
    return {
        "weights": weights,
        "model code": data_bytes(program) - weights + calls,
        "kernels": sum(functions.values()) + sum(size.other_bytes for size in used.values()),
        "firmware": table.flash_bytes,
    }


@cache
def _stack_bytes(port: str) -> int:
    if not port:
        return DEFAULT_STACK_BYTES
    text = resource(f"runtime_c/ports/{port}/port.toml").read_text("utf-8")
    return int(tomllib.loads(text)["stack_bytes"])


def _peak(program: Program) -> tuple[str, tuple[str, ...]]:
    """The layer at which most bytes live, and the buffers that do, largest first."""
    lives = lifetimes(program.buffers, program.calls, program.stages)
    best: tuple[int, str, list[int]] = (-1, "", [])
    for moment, step in enumerate(step for stage in program.stages for step in stage):
        live = [i for i, life in enumerate(lives) if life >> moment & 1]
        taken = sum(program.buffers[i].size_bytes for i in live)
        if taken > best[0]:
            best = (taken, program.calls[step.call].layer, live)
    ordered = sorted(best[2], key=lambda i: -program.buffers[i].size_bytes)
    return best[1], tuple(program.buffers[i].name for i in ordered)
