"""The counts of the calls of a Program, and what they cost by a table."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from studio.compiler.cost.loops import LOOPS, Counts, form, scalar
from studio.compiler.cost.table import CostTable
from studio.compiler.cost.windows import WINDOW_LOOPS, window_form
from studio.compiler.kernel import Kernel, kernels
from studio.compiler.program import ROW_SOURCE, KernelCall, Program
from studio.errors import BuildError

STEP_INSTRUCTIONS = 16  # of the loop that chooses the next row of a stage
RECTIFIED_ZEROS = 0.5  # of what leaves a ReLU
_ZEROS_PASS = (
    "tms_maxpool2d_", "tms_copy_", "tms_transpose_", "tms_strided_", "tms_take_", "tms_gather_",
    "tms_pad_", "tms_dequantize_",
)  # fmt: skip


def call_instructions(program: Program, table: CostTable) -> list[float | None]:
    """Instructions of each call of a Program, all its steps together; None where unknown.

    What the caller takes to bring the rows of a streamed input is his own and counts 0.
    """
    return [
        0.0
        if call.kernel == ROW_SOURCE
        else table.instructions(call.kernel, counts)
        if call.kernel in table.kernels
        else None
        for call, counts in zip(program.calls, program_counts(program), strict=True)
    ]


def stage_instructions(program: Program, table: CostTable) -> list[float | None]:
    """Instructions of each stage of a Program, what a board measures as a layer; or None."""
    calls = call_instructions(program, table)
    found: list[float | None] = []
    for stage in program.stages:
        known = [calls[index] for index in {step.call for step in stage}]
        extra = STEP_INSTRUCTIONS * len(stage) if len(stage) > 1 else 0
        found.append(None if None in known else sum(filter(None, known)) + extra)
    return found


@lru_cache(maxsize=16)
def program_counts(program: Program) -> tuple[Counts, ...]:
    """The counts of each call of a Program, all its steps together."""
    steps = [0] * len(program.calls)
    for stage in program.stages:
        for step in stage:
            steps[step.call] += 1
    zeros = _zeros(program)
    return tuple(
        {} if call.kernel == ROW_SOURCE else call_counts(program, call, number, share)
        for call, number, share in zip(program.calls, steps, zeros, strict=True)
    )


def call_counts(program: Program, call: KernelCall, steps: int = 1, zeros: float = 0.0) -> Counts:
    """How often each piece of a kernel's C runs in a call, in so many steps.

    Args:
        program: whose call it is.
        call: of a kernel of `kernels/`.
        steps: a spatial kernel pays a call a step; the params of others are those of one step.
        zeros: how many of the products have a factor of zero, which soft float skips.
    """
    kernel = kernels()[call.kernel]
    params = {
        key: program.constants[value].data if isinstance(value, str) else value
        for key, value in call.params.items()
    }
    if call.rows is not None and kernel.window:
        params["out_h"] = call.rows
    known = knows(call.kernel)
    counts = kernel_counts(call.kernel, params) if known else _sizes(program, call)
    if zeros and feels_zeros(kernel):
        for key in [key for key in counts if key.endswith(" n")]:
            counts[f"{key} of zeros"] = counts[key] * zeros
            counts[key] *= 1 - zeros
    if in_place(program, call):
        counts = scalar(counts)
    if kernel.window:
        return {**counts, "call": float(steps)}
    return {key: value * steps for key, value in counts.items()}


def knows(kernel: str) -> bool:
    """True where the loops of a kernel are written down."""
    return kernel_form(kernel) is not None


def kernel_form(name: str) -> str | None:
    """Which loops a kernel runs, by the names of LOOPS and WINDOW_LOOPS."""
    kernel, plain = kernels()[name], name.removesuffix("_dr")
    if kernel.window:
        return window_form(plain)
    return form(plain, [field for field, _ in kernel.fields])


def kernel_counts(name: str, params: dict[str, Any]) -> Counts:
    """How often each piece of a kernel's C runs in one call.

    Args:
        name: of the kernel.
        params: of the call, with arrays where the C has pointers.

    Raises:
        BuildError: nobody wrote down the loops of this kernel.
    """
    known = kernel_form(name)
    if known is None:
        raise BuildError("the cost model does not know this kernel", name)
    loops = WINDOW_LOOPS[known] if known in WINDOW_LOOPS else LOOPS[known]
    counts = {"call": 1.0, **loops(params)}
    return {key: float(value) for key, value in counts.items() if value}


def _sizes(program: Program, call: KernelCall) -> Counts:
    """What stands for the loops of a kernel that nobody wrote down."""
    tensors = [program.buffers[i] for i in call.inputs if isinstance(i, int)]
    constants = [v for v in (*call.params.values(), *call.inputs) if isinstance(v, str)]
    return {
        "call": 1.0,
        "read n": float(sum(math.prod(buffer.shape) for buffer in tensors)),
        "written n": float(sum(math.prod(program.buffers[i].shape) for i in call.outputs)),
        "constants n": float(sum(program.constants[name].data.size for name in constants)),
    }


def may_share(kernel: Kernel) -> bool:
    """True where it matters whether the output is an input's memory: vectorised loops need two."""
    walks = kernel_form(kernel.name) in ("elements", "pairs")
    return walks and (kernel.elementwise or kernel.in_place) and "f32" not in kernel.name


def feels_zeros(kernel: Kernel) -> bool:
    """True where arithmetic with a zero is faster in soft float."""
    known = kernel_form(kernel.name)
    walks = known not in ("elements", None) or kernel.name.startswith("tms_quantize_")
    return walks and "f32" in kernel.name


def in_place(program: Program, call: KernelCall) -> bool:
    """True where an integer output shares bytes with an input: no vectorised loop then."""
    if not may_share(kernels()[call.kernel]):
        return False
    out = call.outputs[0]
    start = program.offsets[out]
    end = start + program.buffers[out].size_bytes
    return any(
        program.offsets[i] < end and start < program.offsets[i] + program.buffers[i].size_bytes
        for i in call.inputs
        if isinstance(i, int)
    )


def _zeros(program: Program) -> list[float]:
    """Of each call, in which share of its products or sums one side is zero."""
    rectified: set[int] = set()
    found = []
    for call in program.calls:
        inputs = [i for i in call.inputs if isinstance(i, int)]
        share = RECTIFIED_ZEROS if inputs and inputs[0] in rectified else 0.0
        passes = call.kernel.startswith(_ZEROS_PASS)
        clipped = call.params.get("act_min") == program.buffers[call.outputs[0]].zero_point
        if clipped or (passes and inputs and inputs[0] in rectified):
            rectified |= set(call.outputs)
        if call.kernel != ROW_SOURCE and feels_zeros(kernels()[call.kernel]):
            for name in _factors(call):
                data = program.constants[name].data
                share += (1 - share) * (1 - np.count_nonzero(data) / data.size)
        found.append(float(share))
    return found


def _factors(call: KernelCall) -> list[str]:
    """The constants that a float kernel multiplies by or adds."""
    sides = call.inputs if kernel_form(call.kernel) in ("pairs", "matmul") else ()
    return [v for v in (call.params.get("weights"), *sides) if isinstance(v, str)]
