"""Measuring what kernels and the firmware around them take in flash, by compiler and core.

The tables stand in `resources/sizes` and are made by building one small program a kernel
from the kernel's own examples, so that no model that is later predicted had a part in them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from studio.build.firmware import build, project_files, write_project
from studio.build.link_map import Image, functions
from studio.build.toolchains import Toolchain
from studio.compiler.code_size import KernelSize, SizeTable
from studio.compiler.emit import names_bytes
from studio.compiler.fuse import whole
from studio.compiler.kernel import Example, Kernel, kernel_of, kernels
from studio.compiler.program import WORD_BYTES as WORD
from studio.compiler.program import Buffer, Constant, KernelCall, Options, Program
from studio.job import Job, Progress
from studio.targets.profile import Profile

TENSOR_BYTES = 32  # sizeof(tms_tensor) on a 32-bit machine
ROW_CALL_BYTES = 10  # more than a whole call takes: from 30 images of plan `small`, +-15
GENERATED = "sizes.c:run"  # what a synthetic program runs: its growth counts to calls


def measure(toolchain: Toolchain, profile: Profile) -> Job[SizeTable]:
    """Build the programs of a table for a board with a port; minutes."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="tinyml-studio-sizes-") as folder:
        empty = synthetic(None, 0, rng)
        base = yield from _built(empty, profile, toolchain, Path(folder))
        base_functions = functions(base.elf)
        sizes = {}
        for number, (name, kernel) in enumerate(sorted(kernels().items())):
            yield Progress(f"{toolchain.id} {profile.core} {name}", number / len(kernels()))
            example = kernel.examples(rng)[0]
            one, two = (synthetic((kernel, example), calls, rng) for calls in (1, 2))
            image = yield from _built(one, profile, toolchain, Path(folder))
            found = functions(image.elf)
            twice = yield from _built(two, profile, toolchain, Path(folder))
            call_bytes = twice.flash_bytes - image.flash_bytes - data_bytes(two) + data_bytes(one)
            fresh = {f: n for f, n in found.items() if f not in base_functions and f != GENERATED}
            added = image.flash_bytes - base.flash_bytes - data_bytes(one) + data_bytes(empty)
            other = added - call_bytes - sum(fresh.values())
            sizes[name] = KernelSize(fresh, other, call_bytes)
    return SizeTable(
        toolchain=toolchain.id,
        version=toolchain.version,
        core=profile.core,
        flash_bytes=base.flash_bytes - data_bytes(empty),
        ram_bytes=base.ram_bytes - base.arena_bytes,
        kernels=sizes,
    )


@lru_cache(maxsize=16)
def data_bytes(program: Program) -> int:
    """Flash of what is data in generated code: constants, parameters, descriptions, names."""
    left = (c for name, c in program.constants.items() if name not in program.copied)
    constants = sum(-(-c.size_bytes // WORD) * WORD for c in left) + program.copied_bytes
    params = sum(-(-kernel_of(c).struct_bytes // WORD) * WORD for c in program.calls)
    tensors = TENSOR_BYTES * (len(program.inputs) + len(program.outputs))
    return constants + params + tensors + _stage_bytes(program) + names_bytes(program)


def _stage_bytes(program: Program) -> int:
    """Flash of what runs calls row by row: the order of rows, and the choice between the calls."""
    by_rows = [stage for stage in program.stages if len(stage) > 1]
    orders = sum(-(-len(stage) // WORD) * WORD for stage in by_rows)
    return orders + ROW_CALL_BYTES * sum(len({step.call for step in stage}) for stage in by_rows)


def synthetic(used: tuple[Kernel, Example] | None, calls: int, rng: np.random.Generator) -> Program:
    """A program that calls a kernel a number of times on buffers of their own."""
    buffers = [Buffer("x", (4,), "int8", "input"), Buffer("y", (4,), "int8", "output")]
    constants: dict[str, Constant] = {}
    made: list[KernelCall] = []
    if used is not None:
        kernel, example = used
        params = {}
        for key, value in example.params.items():
            if isinstance(value, np.ndarray):
                constants[key] = Constant(key, value)
                value = key
            params[key] = value
        for _ in range(calls):
            inputs = []
            for array in example.inputs:
                buffers.append(Buffer("a", array.shape, str(array.dtype)))
                inputs.append(len(buffers) - 1)
            first = len(buffers)
            for shape, dtype in ((example.out_shape, example.out_dtype), *example.more_outs):
                buffers.append(Buffer("b", shape, dtype))
            outputs, scratch = tuple(range(first, len(buffers))), None
            if kernel.scratch_bytes is not None:
                scratch = len(buffers)
                size = kernel.scratch_bytes(example.params)
                buffers.append(Buffer("s", (size,), "uint8", "scratch"))
            rows = int(example.params["out_h"]) if kernel.window else None
            made.append(
                KernelCall("", kernel.name, tuple(inputs), outputs, params, 0, scratch, rows)
            )
    return _placed(buffers, made, constants)


def _placed(
    buffers: Sequence[Buffer], calls: Sequence[KernelCall], constants: dict[str, Constant]
) -> Program:
    """Every buffer behind the other, far enough apart that offsets are as large as in real nets."""
    offsets, end = [], 0
    for buffer in buffers:
        offsets.append(end)
        end += -(-buffer.size_bytes // 1024) * 1024
    return Program(
        name="sizes",
        buffers=tuple(buffers),
        calls=tuple(calls),
        constants=constants,
        offsets=tuple(offsets),
        arena_bytes=end,
        bound_bytes=end,
        options=Options(rounding="single"),
        output_order=(1,),
        stages=tuple(whole(index, call) for index, call in enumerate(calls)),
    )


def _built(program: Program, profile: Profile, toolchain: Toolchain, folder: Path) -> Job[Image]:
    roomy = replace(
        profile, memory=tuple(replace(r, size_bytes=4 << 20) for r in profile.memory)
    )  # an emulated board's memory may be smaller than the largest example
    write_project(project_files(program, roomy), folder)
    return (yield from build(folder, toolchain))
