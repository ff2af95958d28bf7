"""Run a Program with the numpy definitions of its kernels.

This is what the generated C must equal byte for byte. It runs in the arena's own bytes, at
the offsets that were planned, so that an overlap shows as a wrong result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import kernels
from studio.compiler.program import Program

Array = npt.NDArray[Any]

GARBAGE = 0xA5  # what a call finds in its scratch


def run(program: Program, inputs: Sequence[Array]) -> list[Array]:
    """One inference.

    Args:
        program: what to run.
        inputs: stored values of each input in its physical shape and dtype.

    Returns:
        Stored values of each output in its physical shape and dtype.
    """
    arena = np.zeros(program.arena_bytes, np.uint8)
    views = [
        arena[offset : offset + buffer.size_bytes].view(buffer.dtype).reshape(buffer.shape)
        for buffer, offset in zip(program.buffers, program.offsets, strict=True)
    ]
    slots = [i for i, buffer in enumerate(program.buffers) if buffer.role == "input"]
    for slot, values in zip(slots, inputs, strict=True):
        views[slot][...] = values.reshape(views[slot].shape)
    for call in program.calls:
        params: dict[str, Any] = {
            key: program.constants[value].data if isinstance(value, str) else value
            for key, value in call.params.items()
        }
        sources = [
            program.constants[i].data if isinstance(i, str) else views[i] for i in call.inputs
        ]
        outs = [views[i] for i in call.outputs]
        if call.rows is not None:
            sources[0] = sources[0].reshape(params["in_h"], params["in_w"], params["in_c"])
            outs[0] = outs[0].reshape(params["out_h"], params["out_w"], params["out_c"])
        if call.scratch is not None:
            views[call.scratch][...] = GARBAGE
        kernels()[call.kernel].reference(params, *sources, *outs)
    return [views[index].copy() for index in program.output_order]
