"""Program x Profile: what a model takes on a board, before anything is built."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache

from studio.budget.effort import CPI_ERROR, by_class, charge_uc, cycles, energy_uj
from studio.budget.layers import Layer, layers
from studio.build.banks import Banks, placed
from studio.build.size_table import data_bytes
from studio.build.stack_table import stack_table
from studio.compiler.arena import taken_bytes
from studio.compiler.code_size import SizeTable, size_table
from studio.compiler.cost import cost_table
from studio.compiler.fuse import lifetimes
from studio.compiler.program import Program
from studio.errors import ProfileError
from studio.targets.banks import ALIGN_BYTES
from studio.targets.figure import Figure, Source
from studio.targets.profile import Profile
from studio.targets.resources import resource

# What serves for cores without a table of their own: the host's code is counted as a Cortex-M4F's
# would be, RISC-V's as a Cortex-M3's, which lacks the same units; a
# Cortex-M85's as a Cortex-M55's, which has the same instruction set.
STANDS_IN = {"host": "cortex-m4f", "riscv32": "cortex-m3", "cortex-m85": "cortex-m55"}
_INTERRUPT_BYTES, _FPU_INTERRUPT_BYTES = 32, 104  # what an exception pushes (ARMv7-M, ARMv8-M)
_PROGRAMS = 24  # whose figures are kept, with their weights: a few for each of some cores


@dataclass(frozen=True, slots=True)
class Reserve:
    """What the user's own application takes beside the model: bytes of flash and RAM."""

    flash_bytes: int = 0
    ram_bytes: int = 0

    def __post_init__(self) -> None:
        if self.flash_bytes < 0 or self.ram_bytes < 0:
            raise ProfileError(
                "an application takes no negative bytes", "reserve", "give 0 or more"
            )


@dataclass(frozen=True)
class Budget:
    """What a Program takes on a board, and what the board has.

    Not fitting is a value: `over_flash_bytes` and `over_ram_bytes` say by how much.

    Attributes:
        profile: the board.
        flash_bytes: code, constants and initial values, as the linker map counts them.
        ram_bytes: variables with the arena, as the linker map counts them; without the stack.
        stack_bytes: what is set aside for the stack; the deepest chain and one interrupt for a
            board whose port is not written yet.
        stack_used_bytes: the deepest chain of an inference, without interrupts.
        arena_bytes, arena_bound_bytes: the arena and the least that a plan could take.
        scratch_bytes: the part of the arena that kernels use for themselves.
        state_bytes: the part of the arena that is kept from run to run.
        copied_bytes: the part of `ram_bytes` that is weights, copied from flash.
        macs: multiply-accumulates of an inference.
        instructions: of an inference; None where a kernel's cost is not known.
        cycles, latency_us, charge_uc, energy_uj: of an inference; None where what they follow
            from is not known of the board.
        flash_parts: bytes by what takes them: weights, code of the model, kernels, firmware.
        kernel_bytes: code of each kernel, by name; functions that several share count to the first.
        layers: a row for each kernel call.
        banks: where in the board's RAM things go; the arena may need two of them.
        reserve: what the user's application takes beside.
        peak: the layer at which the arena is fullest, and the buffers that live then.
    """

    profile: Profile
    flash_bytes: Figure
    ram_bytes: Figure
    stack_bytes: Figure
    arena_bytes: Figure
    arena_bound_bytes: Figure
    scratch_bytes: Figure
    state_bytes: Figure
    copied_bytes: Figure
    macs: Figure
    stack_used_bytes: Figure
    instructions: Figure | None
    cycles: Figure | None
    latency_us: Figure | None
    charge_uc: Figure | None
    energy_uj: Figure | None
    banks: Banks
    layers: tuple[Layer, ...] = ()
    flash_parts: dict[str, int] = field(default_factory=dict)
    kernel_bytes: dict[str, int] = field(default_factory=dict)
    peak: tuple[str, tuple[str, ...]] = ("", ())
    reserve: Reserve = Reserve()

    @property
    def over_flash_bytes(self) -> int:
        """Bytes of flash that are missing; 0 where it fits."""
        taken = int(self.flash_bytes.value) + self.reserve.flash_bytes
        return max(taken - self.profile.size_bytes("flash"), 0)

    @property
    def most_of_flash(self) -> str:
        """What takes most of it: a part of the image, or the application."""
        parts = {**self.flash_parts, "application": self.reserve.flash_bytes}
        return max(parts, key=parts.__getitem__)

    @property
    def rest_bytes(self) -> int:
        """RAM beside the arena: variables, copied weights, stack; not the user's application."""
        return _rest_bytes(int(self.ram_bytes.value - self.arena_bytes.value), self.stack_bytes)

    @property
    def over_ram_bytes(self) -> int:
        """Bytes of RAM that are missing for the arena and what is beside it."""
        return self.banks.over_bytes

    @property
    def fits(self) -> bool:
        """True where flash and RAM suffice."""
        return not self.over_flash_bytes and not self.over_ram_bytes


def budget(
    program: Program,
    profile: Profile,
    toolchain: str = "zig",
    reserve: Reserve = Reserve(),
) -> Budget:
    """What a Program takes on a board, with the monitor firmware around it.

    Flash and RAM follow from the Program and a table of kernel sizes for the compiler and core;
    for a board whose port is not written yet, the port of a virtual board with its core stands
    in and the figures are marked as estimated. Instructions come from the cost model.

    Raises:
        BuildError: no table for this compiler and the board's core.
    """
    core = STANDS_IN.get(profile.core, profile.core)
    shared = _of_core(program, toolchain, core)
    stands_in = not profile.port or profile.core != core
    source: Source = "estimated" if stands_in else "computed"
    detail = shared.detail
    if stands_in:
        detail += "; the board's own start-up code is not written yet"
    stack = _stack(profile, shared.stack_used_bytes)
    variables = shared.variables_bytes + program.copied_bytes
    rest_bytes = _rest_bytes(variables, stack)
    program, banks = placed(program, profile, rest_bytes, reserve.ram_bytes)
    arena = max(program.arena_bytes, 1)
    return Budget(
        profile=profile,
        flash_bytes=Figure(sum(shared.flash_parts.values()), source, detail),
        ram_bytes=Figure(variables + arena, source, detail),
        stack_bytes=stack,
        arena_bytes=Figure(arena, "computed", _placed(program, banks)),
        arena_bound_bytes=Figure(
            program.bound_bytes, "computed", "no placement of this schedule takes less"
        ),
        scratch_bytes=Figure(program.scratch_bytes, "computed", "largest scratch of a call"),
        state_bytes=Figure(program.state_bytes, "computed", "kept from run to run"),
        copied_bytes=Figure(program.copied_bytes, "computed", "copied from flash at start-up"),
        macs=Figure(program.macs, "computed", "shapes of the layers"),
        stack_used_bytes=Figure(
            shared.stack_used_bytes, "estimated", f"frames that {toolchain} states for {core}"
        ),
        instructions=None
        if shared.instructions is None
        else Figure(shared.instructions, "estimated", shared.stated),
        **_effort(profile, shared, bool(program.copied)),
        banks=banks,
        layers=shared.layers,
        flash_parts=shared.flash_parts,
        kernel_bytes=shared.kernel_bytes,
        peak=shared.peak,
        reserve=reserve,
    )


def _rest_bytes(variables: int, stack: Figure) -> int:
    """RAM beside the arena, which begins behind the variables at an aligned address."""
    return -(-variables // ALIGN_BYTES) * ALIGN_BYTES + int(stack.value)


def _placed(program: Program, banks: Banks) -> str:
    detail = "placement of all buffers"
    if banks.several:
        detail += f"; needs two banks: {banks.text}"
    if program.options.stream_input:
        image = program.inputs[0]
        detail += f"; of the input, {image.rows} of {image.shape[0]} rows"
    return detail


@dataclass(frozen=True, slots=True)
class _OfCore:
    """What all boards with a core have in common."""

    detail: str
    flash_parts: dict[str, int]
    kernel_bytes: dict[str, int]
    variables_bytes: int
    stack_used_bytes: int
    layers: tuple[Layer, ...]
    instructions: float | None
    by_class: dict[str, float]
    stated: str
    peak: tuple[str, tuple[str, ...]]


@lru_cache(maxsize=_PROGRAMS)
def _of_core(program: Program, toolchain: str, core: str) -> _OfCore:
    table = size_table(toolchain, core)
    kernel_bytes = table.code_bytes(program.kernel_names)
    rows = layers(program, cost_table(toolchain, core))
    return _OfCore(
        detail=f"kernel sizes of {table.toolchain} {table.version} on {table.core}",
        flash_parts=_flash_parts(program, table, kernel_bytes),
        kernel_bytes=kernel_bytes,
        variables_bytes=table.ram_bytes,
        stack_used_bytes=stack_table(toolchain, core).deepest(program),
        layers=rows,
        instructions=_total(rows),
        by_class=by_class((layer.kernel, layer.instructions or 0.0) for layer in rows),
        stated=_stated(rows),
        peak=peak(program),
    )


def _effort(profile: Profile, shared: _OfCore, copied: bool) -> dict[str, Figure | None]:
    """What follows from instructions, as far as the board is known."""
    taken = None if shared.instructions is None else cycles(profile.core, shared.by_class)
    clock = profile.clock_hz
    time_us = taken / clock.value * 1e6 if taken is not None and clock is not None else None

    def figure(value: float | None, detail: str) -> Figure | None:
        return None if value is None else Figure(value, "estimated", detail)

    cpi = f"documented cycles an instruction, +-{CPI_ERROR:.0%}; no wait states"
    if copied:
        cpi += ", so what weights in RAM gain is not estimated"
    current = "the board's active current"
    return {
        "cycles": figure(taken, cpi),
        "latency_us": figure(time_us, f"{cpi}; at {clock.value / 1e6:g} MHz" if clock else ""),
        "charge_uc": figure(time_us and charge_uc(profile, time_us), current),
        "energy_uj": figure(time_us and energy_uj(profile, time_us), f"{current} and voltage"),
    }


def _stated(rows: tuple[Layer, ...]) -> str:
    """What an estimate may be off by: each layer's largest error, by its share."""
    known = [(row.instructions or 0.0, row.error or 0.0) for row in rows]
    error = sum(count * off for count, off in known) / max(sum(count for count, _ in known), 1)
    return f"cost model of the kernels, at most +-{error:.0%} in its checks"


def _total(rows: tuple[Layer, ...]) -> float | None:
    known = [layer.instructions for layer in rows if layer.instructions is not None]
    return sum(known) if len(known) == len(rows) else None


def _stack(profile: Profile, used_bytes: int) -> Figure:
    if profile.port:
        return Figure(_stack_bytes(profile.port), "computed", "set aside by the port")
    interrupt = _FPU_INTERRUPT_BYTES if "fpu" in profile.features else _INTERRUPT_BYTES
    return Figure(used_bytes + interrupt, "estimated", "deepest chain and one interrupt")


def _flash_parts(
    program: Program, table: SizeTable, kernel_bytes: dict[str, int]
) -> dict[str, int]:
    weights = sum(constant.size_bytes for constant in program.constants.values())
    calls = sum(
        table.kernels[call.kernel].call_bytes
        for call in program.calls
        if call.kernel in table.kernels
    )
    return {
        "weights": weights,
        "model code": data_bytes(program) - weights + calls,
        "kernels": sum(kernel_bytes.values()),
        "firmware": table.flash_bytes,
    }


@cache
def _stack_bytes(port: str) -> int:
    text = resource(f"runtime_c/ports/{port}/port.toml").read_text("utf-8")
    return int(tomllib.loads(text)["stack_bytes"])


@lru_cache(maxsize=_PROGRAMS)
def peak(program: Program) -> tuple[str, tuple[str, ...]]:
    """The layer at which most bytes live, and the buffers that do, largest first."""
    lives = lifetimes(program.buffers, program.calls, program.stages)
    steps = [step for stage in program.stages for step in stage]
    if not steps:
        return "", ()
    spans = ((b.size_bytes, life) for b, life in zip(program.buffers, lives, strict=True))
    taken = taken_bytes(spans)[: len(steps)]
    most = taken.index(max(taken)) if taken else 0
    live = [i for i, life in enumerate(lives) if life >> most & 1]
    ordered = sorted(live, key=lambda i: -program.buffers[i].size_bytes)
    return program.calls[steps[most].call].layer, tuple(program.buffers[i].name for i in ordered)
