"""How deep the stack gets: frames as compilers state them (`-fstack-usage`).

The deepest chain of an inference is the firmware down to the model's `run`, the generated code,
one kernel and what the kernel calls. Frames of the firmware and the kernels stand in
`resources/stacks/<toolchain>-<core>.json`; that of generated code grows with its calls, and
its growth stands there too. Where a core lacks float or division, kernels call the compiler's
library, which states no frames: there the high-water of a virtual board is taken where it is
deeper. An interrupt adds a frame of its own to the chain; the figures are without it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from studio.build.firmware import INCLUDES, project_files, read_manifest, write_project
from studio.build.process import run
from studio.build.size_table import synthetic
from studio.build.toolchains import Toolchain
from studio.compiler.kernel import kernel_of, kernels
from studio.compiler.program import Program, Step
from studio.errors import BuildError
from studio.job import Job, Progress
from studio.targets.profile import Profile
from studio.targets.resources import shipped_table

FIRMWARE = (
    "tms_reset",
    "start",
    "tms_main",
    "tms_monitor",
    "frame_ended",
    "tms_request",
    "tms_run",
    "tms_infer",
)
SAVED_BYTES = 24  # registers that generated code may save beyond what its growth says
_COUNTS = (1, 2, 4, 8, 16, 28)


@dataclass(frozen=True, slots=True)
class StackTable:
    """One compiler's stack frames on one core.

    Attributes:
        toolchain: id of the toolchain.
        core: what was compiled for.
        firmware_bytes: from reset down to the call of the model.
        generated_bytes: of generated code: what it always takes ("base"), what spatial calls
            one by one add ("calls", and "call" for each), and a stage of rows ("rows", and
            "row call" for each call in the longest one; "inlined" where they share a frame).
        kernels: a kernel and what it calls, by C name.
    """

    toolchain: str
    core: str
    firmware_bytes: int
    generated_bytes: dict[str, float]
    kernels: dict[str, int]

    def text(self) -> str:
        """The table as a file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def generated(self, program: Program) -> int:
        """Frames of a model's generated code."""
        windows = {i for i, call in enumerate(program.calls) if kernel_of(call).window}
        single = sum(len(s) == 1 and s[0].call in windows for s in program.stages)
        longest = max((len({step.call for step in s}) for s in program.stages if len(s) > 1),
                      default=0)  # fmt: skip
        g = self.generated_bytes
        calls = g["calls"] + g["call"] * single if single else 0.0
        rows = g["rows"] + g["row call"] * longest if longest else 0.0
        together = max(calls, rows, 0.0) if g["inlined"] else max(calls, 0.0) + max(rows, 0.0)
        return -(-int(g["base"] + together + SAVED_BYTES + 0.999) // 8) * 8

    def deepest(self, program: Program) -> int:
        """Bytes of stack of one inference in the monitor firmware, without interrupts.

        Raises:
            BuildError: the table lacks a kernel.
        """
        missing = [name for name in program.kernel_names if name not in self.kernels]
        if missing:
            raise BuildError(
                f"the table of stack frames lacks {missing[0]}",
                f"{self.toolchain} {self.core}",
                "make the tables again: make stack-tables",
            )
        used = max((self.kernels[name] for name in program.kernel_names), default=0)
        return self.firmware_bytes + self.generated(program) + used


@cache
def stack_table(toolchain: str, core: str) -> StackTable:
    """The shipped table of a toolchain and core.

    Raises:
        BuildError: there is none.
    """
    return StackTable(**shipped_table("stacks", "stack frames", toolchain, core))


def measure(toolchain: Toolchain, profile: Profile) -> Job[StackTable]:
    """Compile every kernel, the firmware and some generated code for a board with a port."""
    rng = np.random.default_rng(0)
    found: dict[str, int] = {}
    for number, (name, kernel) in enumerate(sorted(kernels().items())):
        progress = Progress(f"{toolchain.id} {profile.core} {name}", number / len(kernels()))
        program = synthetic((kernel, kernel.examples(rng)[0]), 1, rng)
        frames = yield from frames_of(program, profile, toolchain, f"src/{kernel.source}", progress)
        within = [size for other, size in frames.items() if other not in kernels()]
        found[name] = frames[name] + max(within, default=0)
    empty = synthetic(None, 0, rng)
    firmware: dict[str, int] = {}
    monitor = [f"monitor/{part}.c" for part in ("monitor", "request", "input", "main")]
    for part in (*monitor, "port/startup.c"):
        progress = Progress(f"{toolchain.id} {profile.core} {part}")
        firmware |= yield from frames_of(empty, profile, toolchain, part, progress)
    deep = sum(firmware.get(name, 0) for name in FIRMWARE)
    generated = yield from _generated(toolchain, profile)
    return StackTable(toolchain.id, profile.core, deep, generated, found)


def _generated(toolchain: Toolchain, profile: Profile) -> Job[dict[str, float]]:
    """How frames of generated code grow, from programs of 1 to 28 calls, alone and in rows."""
    rng = np.random.default_rng(0)
    kernel = kernels()["tms_conv2d_s8"]
    progress = Progress(f"{toolchain.id} {profile.core} generated code")
    dense = kernels()["tms_dense_s8"]
    plain = synthetic((dense, dense.examples(rng)[0]), _COUNTS[2], rng)
    base = yield from caller_frame(plain, profile, toolchain, progress)
    sizes: dict[bool, list[int]] = {False: [], True: []}
    for in_rows in sizes:
        for number in _COUNTS:
            program = synthetic((kernel, kernel.examples(rng)[0]), number, rng)
            if in_rows:
                steps = tuple(Step(i, y, y + 1) for y in range(2) for i in range(number))
                program = replace(program, stages=(steps,))
            frames = yield from frames_of(program, profile, toolchain, "sizes.c", progress)
            rows = max(
                (size for name, size in frames.items() if name.startswith("rows")), default=0
            )
            sizes[in_rows].append(frames["run"] + rows)
            inlined = float(not any(name.startswith("rows") for name in frames))
    calls, call = _line_above(sizes[False], base)
    several, row_call = _line_above(sizes[True], base)
    return {
        "base": float(base), "calls": calls, "call": call, "rows": several, "row call": row_call,
        "inlined": inlined,
    }  # fmt: skip


def _line_above(sizes: Sequence[int], base: int) -> tuple[float, float]:
    """Start and slope of a line that no size exceeds."""
    slope = max(0.0, (sizes[-1] - sizes[2]) / (_COUNTS[-1] - _COUNTS[2]))
    start = max(size - slope * n for size, n in zip(sizes, _COUNTS, strict=True)) - base
    return round(start, 2), round(slope, 2)


def frames_of(
    program: Program, profile: Profile, toolchain: Toolchain, source: str, progress: Progress
) -> Job[dict[str, int]]:
    """Bytes of each function's frame in one source of a program's project.

    Raises:
        BuildError: the compiler refused it.
    """
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-stacks-") as name:
        folder = Path(name)
        write_project(project_files(program, profile), folder)
        core = read_manifest(folder).core
        stated = folder / "frames.su"
        optimize = "-O3" if source.startswith("src/") else "-Os"
        command = toolchain.compile_command(core, source, "frames.o", optimize, INCLUDES)
        more: tuple[str, ...] = ("-fstack-usage",)
        if toolchain.dialect == "zig":
            more = ("-Xclang", "-stack-usage-file", "-Xclang", str(stated))
        status, text = yield from run((*command, *more), folder, toolchain.environment, progress)
        if status or not stated.is_file():
            raise BuildError("the compiler stated no stack frames", source, text[-200:])
        return _frames(stated.read_text("utf-8"))


def caller_frame(
    program: Program, profile: Profile, toolchain: Toolchain, progress: Progress
) -> Job[int]:
    """Bytes of the frame of a synthetic program's generated code, which runs whole calls."""
    frames = yield from frames_of(program, profile, toolchain, f"{program.name}.c", progress)
    return frames["run"]


def _frames(text: str) -> dict[str, int]:
    """Lines `file:line[:column]:function<tab>bytes<tab>kind`."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        place, size, _ = line.split("\t")
        name = place.rpartition(":")[2].partition(".")[0]
        found[name] = max(found.get(name, 0), int(size))
    return found


def deeper(table: StackTable, callers: Mapping[str, int], used: Mapping[str, int]) -> StackTable:
    """The table with what kernels were seen to take where that is more.

    Args:
        table: of stated frames.
        callers: frames of generated code with a single call, by the kernel that it calls.
        used: high-water of a board that ran it, by kernel.
    """
    seen = {
        name: max(size, used[name] - table.firmware_bytes - callers[name])
        for name, size in table.kernels.items()
    }
    return replace(table, kernels=seen)
