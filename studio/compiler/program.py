"""Program: what the microcontroller will do.

Kernel calls in execution order over buffers with byte offsets, NHWC without the batch,
integer parameters, constants as described. Immutable; emission turns it into C, `run`
into numbers with the kernels' numpy references.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rounding = Literal["single", "double", "litert"]
PLANS = ("layerwise", "small", "balanced", "fast")
ROUNDINGS = ("single", "double", "litert")
WEIGHTS = ("flash", "ram")
WORD_BYTES, VARIABLE_ALIGN_BYTES = 4, 8  # of a 32-bit machine; the latter as link.ld has it
ROW_SOURCE = "tms_row_source"  # in a call: the caller's function that brings a row of the input

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor in the arena.

    Attributes:
        name: the ONNX value that it holds.
        shape: as stored, channels last, no batch axis; (height, width, channels) where spatial.
        dtype: numpy name: int8, uint8, int16, int32, float32, bool.
        role: "input" and "output" belong to the caller's view, "scratch" lives during one call,
            "state" survives from run to run.
        rows: of a ring that holds only these rows of the tensor's; 0 where it is held whole.
        scale, zero_point: real = scale * (stored - zero_point); scale 0 where not quantised.
        logical_shape: the shape of the ONNX value, batch included.
        view_shape, order: stored = reshape(logical, view_shape).transpose(order).
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    role: Literal["input", "output", "activation", "scratch", "state"] = "activation"
    scale: float = 0.0
    zero_point: int = 0
    logical_shape: tuple[int, ...] = ()
    view_shape: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    rows: int = 0

    @property
    def tensor_bytes(self) -> int:
        """Bytes of the whole tensor."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes in the arena."""
        if self.rows:
            return self.tensor_bytes // self.shape[0] * self.rows
        return self.tensor_bytes

    def to_physical(self, logical: Array) -> Array:
        """Arrange an ONNX-shaped array (batch 1) as the board holds it."""
        return np.ascontiguousarray(logical.reshape(self.view_shape).transpose(self.order)).reshape(
            self.shape
        )

    def to_logical(self, physical: Array) -> Array:
        """Arrange an array from the board in the shape of the ONNX value."""
        permuted = tuple(self.view_shape[axis] for axis in self.order)
        inverse = tuple(int(axis) for axis in np.argsort(self.order))
        return np.ascontiguousarray(physical.reshape(permuted).transpose(inverse)).reshape(
            self.logical_shape
        )

    def quantize(self, real: Array) -> Array:
        """Real values to stored ones: ONNX QuantizeLinear (half to even), saturating."""
        if not self.scale:
            return real.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        stored = np.rint(real.astype(np.float32) / np.float32(self.scale)) + self.zero_point
        saturated: Array = np.clip(stored, limits.min, limits.max).astype(self.dtype)
        return saturated

    def dequantize(self, stored: Array) -> npt.NDArray[np.float32]:
        """Stored values to real ones."""
        if not self.scale:
            return stored.astype(np.float32)
        return (stored.astype(np.int32) - self.zero_point).astype(np.float32) * np.float32(
            self.scale
        )


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array in flash, in the order that the kernels read."""

    name: str
    data: Array

    @property
    def size_bytes(self) -> int:
        """Bytes of its elements."""
        return int(self.data.nbytes)


@dataclass(frozen=True, slots=True)
class KernelCall:
    """One call of a kernel of runtime_c.

    Attributes:
        layer: name of the ONNX node that it comes from, for people.
        kernel: C function, such as `tms_conv2d_s8` or `tms_conv2d_s8_dr`.
        inputs: indices into Program.buffers; a str is the name of a Constant.
        outputs: indices into Program.buffers.
        scratch: index of the call's scratch buffer, or None.
        params: fields of the kernel's parameter struct by name; ints and floats as they are, a str
            is the name of a Constant (a pointer in C).
        macs: multiply-accumulates.
        rows: output rows that the kernel is called for, or None where it is not spatial.
    """

    layer: str
    kernel: str
    inputs: tuple[int | str, ...]
    outputs: tuple[int, ...]
    params: Mapping[str, Any]
    macs: int = 0
    scratch: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Rows [y0, y1) of one call; a call that is not spatial has one row."""

    call: int
    y0: int
    y1: int


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of a user that change the Program.

    Attributes:
        plan: one of PLANS.
        rounding: one of ROUNDINGS; None takes what the model's metadata says, else single.
        weights: one of WEIGHTS: where kernels read constants. For ram, start-up code copies them
            there from flash.
        stream_input: the caller brings the input row by row, as the run goes; the arena holds a few
            rows of it.
    """

    plan: str = "layerwise"
    rounding: Rounding | None = None
    weights: str = WEIGHTS[0]
    stream_input: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an arena: the bank of memory that it lies in, and its bytes."""

    bank: str
    size_bytes: int


@dataclass(frozen=True, eq=False)
class Program:
    """A lowered model.

    Attributes:
        name: a C identifier; prefix of the generated API.
        offsets: byte offset of each buffer in the arena, parallel to `buffers`.
        arena_bytes: what the arena takes, inputs, outputs and scratch included.
        bound_bytes: the most bytes that are live at once: no placement of this schedule takes less.
        transposes: how many layout changes remain as calls.
        origin: digest of the model that it was lowered from.
        notes: what runs otherwise than one would expect, for people.
        output_order: indices of the output buffers in the model's order.
        stages: the schedule. Most stages are one call as a whole; others run several calls row
            by row, with rings between them.
        initial: what a reset writes into each state, by its buffer's index: the byte that fills it,
            or the name of a Constant.
        overlaps: (output, input) -> bytes by which the output must begin below the input that dies.
        pieces: of an arena in two pieces, which see `split`; offsets count through both, no buffer
            lies in both. Empty where the arena is one piece, in whatever bank.
    """

    name: str
    buffers: tuple[Buffer, ...]
    calls: tuple[KernelCall, ...]
    constants: Mapping[str, Constant]
    offsets: tuple[int, ...]
    arena_bytes: int
    bound_bytes: int
    options: Options = Options()
    transposes: int = 0
    origin: str = ""
    notes: tuple[str, ...] = ()
    output_order: tuple[int, ...] = ()
    stages: tuple[tuple[Step, ...], ...] = ()
    initial: Mapping[int, int | str] = field(default_factory=dict)
    overlaps: Mapping[tuple[int, int], int] = field(default_factory=dict)
    pieces: tuple[Piece, ...] = ()

    @cached_property
    def inputs(self) -> tuple[Buffer, ...]:
        """Input buffers in the model's order."""
        return tuple(buffer for buffer in self.buffers if buffer.role == "input")

    @cached_property
    def outputs(self) -> tuple[Buffer, ...]:
        """Output buffers in the model's order."""
        return tuple(self.buffers[index] for index in self.output_order)

    @property
    def first_bytes(self) -> int:
        """Bytes of the piece with inputs and outputs: of the whole arena where it is one piece."""
        return self.pieces[0].size_bytes if self.pieces else self.arena_bytes

    @property
    def kernel_names(self) -> tuple[str, ...]:
        """C names of the kernels that it calls, each once."""
        return tuple(sorted({call.kernel for call in self.calls} - {ROW_SOURCE}))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(call.macs for call in self.calls)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all constants."""
        return sum(constant.size_bytes for constant in self.constants.values())

    @cached_property
    def copied(self) -> frozenset[str]:
        """Names of the constants that are copied to RAM: all that a call reads, or none."""
        if self.options.weights != "ram":
            return frozenset()
        read = (value for call in self.calls for value in (*call.params.values(), *call.inputs))
        return frozenset(value for value in read if isinstance(value, str))

    @cached_property
    def copied_align(self) -> int:
        """Where each of them begins, so that their order does not matter to what they take."""
        widest = max((self.constants[name].data.itemsize for name in self.copied), default=1)
        return max(widest, WORD_BYTES)

    @cached_property
    def copied_bytes(self) -> int:
        """RAM that they take, up to where any variable may begin."""
        align = self.copied_align
        taken = sum(-(-self.constants[name].size_bytes // align) * align for name in self.copied)
        return -(-taken // VARIABLE_ALIGN_BYTES) * VARIABLE_ALIGN_BYTES

    @property
    def state_bytes(self) -> int:
        """What is carried from run to run (part of the arena)."""
        return sum(b.size_bytes for b in self.buffers if b.role == "state")

    @property
    def scratch_bytes(self) -> int:
        """The largest scratch of a call (part of the arena)."""
        return max((b.size_bytes for b in self.buffers if b.role == "scratch"), default=0)
