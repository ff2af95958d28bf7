"""Run a Program with the numpy definitions of its kernels.

This is what the generated C must equal byte for byte. It runs in the arena's own bytes, at
the offsets that were planned and in the rows that were scheduled, so that an overlap of
what still lives shows as a wrong result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import kernel_of
from studio.compiler.program import ROW_SOURCE, Buffer, KernelCall, Program, Step
from studio.compiler.rows import flow

Array = npt.NDArray[Any]

GARBAGE = 0xA5  # what a call finds in its scratch


def run(program: Program, inputs: Sequence[Array]) -> list[Array]:
    """One inference from fresh state.

    Args:
        program: what to run.
        inputs: stored values of each input in its physical shape and dtype.

    Returns:
        Stored values of each output in its physical shape and dtype.
    """
    return Machine(program).infer(inputs)


class Machine:
    """The arena and its buffers, whole or as rings of rows; states last from run to run."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.arena = np.zeros(program.arena_bytes, np.uint8)
        self.streamed = np.empty(0)
        self.views = [
            _view(self.arena, offset, buffer)
            for buffer, offset in zip(program.buffers, program.offsets, strict=True)
        ]
        self.reset()

    def reset(self) -> None:
        """Write the initial values of all states."""
        for index, value in self.program.initial.items():
            view = self.views[index]
            if isinstance(value, str):
                view[...] = self.program.constants[value].data.reshape(view.shape)
            else:
                view.view(np.uint8)[...] = value

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference from the state that the last one left; as `run`."""
        slots = [i for i, buffer in enumerate(self.program.buffers) if buffer.role == "input"]
        for slot, values in zip(slots, inputs, strict=True):
            if self.program.options.stream_input:
                self.streamed = values.reshape(self.program.buffers[slot].shape)
            else:
                self.views[slot][...] = values.reshape(self.views[slot].shape)
        for stage in self.program.stages:
            for step in stage:
                self.run(step)
        return [self.views[index].copy() for index in self.program.output_order]

    def run(self, step: Step) -> None:
        """Run a step as the kernel would: spatial ones row after row."""
        call = self.program.calls[step.call]
        kernel = kernel_of(call)
        if call.kernel == ROW_SOURCE:
            row = self.streamed[step.y0].reshape(-1)
            kernel.reference(call.params, row, self._out_row(call, step.y0))
            return
        whole = self.program.options.plan == "layerwise" or flow(call, self.program.buffers) is None
        by_rows = kernel.window and not whole
        if by_rows or (kernel.elementwise and call.rows):
            for y in range(step.y0, step.y1):
                (self._window_row if kernel.window else self._element_row)(call, y)
            return
        params = self._params(call)
        sources = [
            self.program.constants[i].data if isinstance(i, str) else self.views[i]
            for i in call.inputs
        ]
        outs = [self.views[i] for i in call.outputs]
        if kernel.window:
            sources[0] = sources[0].reshape(params["in_h"], params["in_w"], params["in_c"])
            outs[0] = outs[0].reshape(params["out_h"], params["out_w"], params["out_c"])
        if call.scratch is not None:
            self.views[call.scratch][...] = GARBAGE
        kernel.reference(params, *sources, *outs)

    def _params(self, call: KernelCall) -> dict[str, Any]:
        """The call's parameters with arrays in the place of names."""
        return {
            key: self.program.constants[value].data if isinstance(value, str) else value
            for key, value in call.params.items()
        }

    def _element_row(self, call: KernelCall, y: int) -> None:
        rows = [
            self.program.constants[source].data
            if isinstance(source, str)
            else self._rows(call, slot, y, y + 1)
            for slot, source in enumerate(call.inputs)
        ]
        kernel_of(call).reference(self._params(call), *rows, self._out_row(call, y))

    def _window_row(self, call: KernelCall, y: int) -> None:
        params = self._params(call)
        rows = flow(call, self.program.buffers)
        assert rows is not None
        lo, hi = rows.need(0, y)
        pad = max(int(params["pad_top"]) - y * int(params["stride_h"]), 0)
        if hi <= lo:  # every tap lies in the padding
            lo, hi = 0, 1
            pad = (int(params["kernel_h"]) - 1) * int(params["dilation_h"]) + 1
        part = params | {"in_h": hi - lo, "out_h": 1, "pad_top": pad}
        seen = self._rows(call, 0, lo, hi).reshape(hi - lo, params["in_w"], params["in_c"])
        if kernel_of(call).carries and y > 0:  # the sum so far is one place more
            above = self._out_row(call, y - 1).reshape(1, 1, -1)
            seen = np.concatenate((above, seen), axis=1)
        out = np.empty((1, params["out_w"], params["out_c"]), self.views[call.outputs[0]].dtype)
        kernel_of(call).reference(part, seen, out)
        self._out_row(call, y)[...] = out.reshape(-1)

    def _rows(self, call: KernelCall, slot: int, lo: int, hi: int) -> Array:
        """A copy of input rows [lo, hi), each as a flat array."""
        rows = flow(call, self.program.buffers)
        assert rows is not None
        index = call.inputs[slot]
        assert isinstance(index, int)
        view = self.views[index]
        flat = view.reshape(-1, rows.in_row_bytes[slot] // view.itemsize)
        return flat[np.arange(lo, hi) % len(flat)]

    def _out_row(self, call: KernelCall, y: int) -> Array:
        rows = flow(call, self.program.buffers)
        assert rows is not None
        view = self.views[call.outputs[0]]
        flat = view.reshape(-1, rows.out_row_bytes // view.itemsize)
        row: Array = flat[y % len(flat)]
        return row


def _view(arena: Array, offset: int, buffer: Buffer) -> Array:
    shape = (buffer.rows, *buffer.shape[1:]) if buffer.rows else buffer.shape
    return arena[offset : offset + buffer.size_bytes].view(buffer.dtype).reshape(shape)
