"""What a Program carries from run to run: where its next value is written.

A state is a buffer that keeps its bytes. Its next value is computed in those bytes where
everybody has read the old one by then; else it is copied there at the end of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler.kernel import kernels
from studio.compiler.operand import Array, Const, Tensor
from studio.compiler.operator import Operand
from studio.compiler.program import Buffer, KernelCall
from studio.errors import Unsupported

if TYPE_CHECKING:
    from studio.compiler.builder import Builder


def initial(builder: Builder, buffer: Buffer, real: Array) -> int | str:
    """What a fresh run finds in a state: the byte that fills it, or the name of a constant."""
    stored = buffer.to_physical(buffer.quantize(real))
    found = np.unique(stored.view(np.uint8))
    if found.size == 1:
        return int(found[0])
    return builder.constant(f"{buffer.name}_initial", stored)


@dataclass(frozen=True, slots=True)
class Kept:
    """A state, its next value, and the node that computes that."""

    state: Tensor
    after: Operand
    node: str


def keep(builder: Builder, states: Sequence[Kept]) -> None:
    """Write next values into states."""
    settled = [(kept.state.buffer, _settled(builder, kept)) for kept in states]
    moved: dict[int, int] = {}
    for state, tensor in settled:
        after = moved.get(tensor.buffer, tensor.buffer)
        if after == state:
            continue
        if _may_take_over(builder, state, after):
            builder.calls[:] = [_renamed(call, after, state) for call in builder.calls]
            shape = builder.buffers[after].shape  # as the kernel that writes it sees it
            builder.buffers[state] = replace(builder.buffers[state], shape=shape)
            moved[after] = state
        else:
            builder.copy(replace(tensor, buffer=after), replace(tensor, buffer=state))


def _settled(builder: Builder, kept: Kept) -> Tensor:
    """A next value stored as its state is, in a buffer that no state but its own occupies."""
    state, after = kept.state, kept.after
    builder.site, name = kept.node, builder.buffers[state.buffer].name
    if isinstance(after, Const):
        hint = "take it for a constant"
        raise Unsupported(f"the next value of state '{name}' is a constant", kept.node, hint)
    if state.quant is None:
        real = builder.real(after)
        assert isinstance(real, Tensor)
        after = real
    elif after.quant is None:
        after = builder.quantized(after, f"{name}_next", state.quant)
    else:
        after = builder.requantized(after, state.quant)
    if after.dtype != state.dtype:
        what = f"state '{name}' is {state.dtype} before a run and {after.dtype} after it"
        raise Unsupported(what, kept.node)
    after = builder.laid_out(after, state.layout)
    if builder.buffers[after.buffer].role == "state" and after.buffer != state.buffer:
        # Another state's old value: that state may be written before this one.
        return builder.copied(after, f"{name}_next")
    return after


def _may_take_over(builder: Builder, state: int, after: int) -> bool:
    """Whether the calls that compute `after`, stored as the state is, may write there instead."""
    if builder.buffers[after].role != "activation":
        return False
    reads = [i for i, call in enumerate(builder.calls) if state in call.inputs]
    writes = [i for i, call in enumerate(builder.calls) if after in call.outputs]
    if not reads or reads[-1] < writes[0]:
        return True
    call = builder.calls[writes[0]]
    kernel = kernels()[call.kernel]
    replaces = any(
        call.inputs[i] == state and call.outputs[o] == after
        for i, o in (*kernel.replaces, *([(0, 0)] if kernel.in_place else []))
    )
    return replaces and reads[-1] == writes[-1] and call.inputs.count(state) == 1


def _renamed(call: KernelCall, old: int, new: int) -> KernelCall:
    if old not in (*call.inputs, *call.outputs):
        return call
    return replace(
        call,
        inputs=tuple(new if b == old else b for b in call.inputs),
        outputs=tuple(new if b == old else b for b in call.outputs),
    )
