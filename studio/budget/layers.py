"""Layer by layer: what each takes of flash, memory and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

from studio.budget import tables
from studio.compiler.cost import STEP_INSTRUCTIONS, CostTable, call_instructions
from studio.compiler.program import KernelCall, Program


@dataclass(frozen=True, slots=True)
class Layer:
    """One kernel call.

    Attributes:
        name: of the ONNX node.
        kernel: C function.
        macs: multiply-accumulates.
        weight_bytes: its constants in flash.
        activation_bytes: of the tensors that it reads and writes, rings as long as they are.
        scratch_bytes: what it needs for itself.
        instructions: of all its steps, estimated; None where the kernel's cost is not known.
        error: the largest relative error of the estimates of this kernel that were checked.
    """

    name: str
    kernel: str
    macs: int
    weight_bytes: int
    activation_bytes: int
    scratch_bytes: int
    instructions: float | None
    error: float | None


def layers(program: Program, table: CostTable) -> tuple[Layer, ...]:
    """A row for each call, in the order in which they first run."""
    steps = [0] * len(program.calls)
    for stage in program.stages:
        for step in stage if len(stage) > 1 else ():
            steps[step.call] += 1
    effort = call_instructions(program, table)
    return tuple(
        _layer(program, call, _with_steps(instructions, number), table)
        for call, instructions, number in zip(program.calls, effort, steps, strict=True)
    )


def _with_steps(instructions: float | None, steps: int) -> float | None:
    return None if instructions is None else round(instructions + steps * STEP_INSTRUCTIONS)


def _layer(
    program: Program, call: KernelCall, instructions: float | None, table: CostTable
) -> Layer:
    constants = {v for v in (*call.params.values(), *call.inputs) if isinstance(v, str)}
    tensors = {b for b in (*call.inputs, *call.outputs) if isinstance(b, int)}
    scratch = program.buffers[call.scratch].size_bytes if call.scratch is not None else 0
    known = table.kernels.get(call.kernel)  # none of a function of the caller's own
    return Layer(
        name=call.layer,
        kernel=call.kernel,
        macs=call.macs,
        weight_bytes=sum(program.constants[name].size_bytes for name in constants),
        activation_bytes=sum(program.buffers[b].size_bytes for b in tensors),
        scratch_bytes=scratch,
        instructions=instructions,
        error=None if known is None else known.error,
    )


def as_csv(rows: Iterable[Layer]) -> str:
    """The table as CSV with a header; what is not known stays empty."""
    head = tuple(field.name for field in fields(Layer))
    return tables.as_csv((head, *(astuple(row) for row in rows)))
