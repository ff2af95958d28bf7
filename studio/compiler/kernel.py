"""What a kernel of runtime_c is, seen from Python.

One file a kernel in `kernels/`, found, not listed. Each describes the C parameter struct,
and holds the numpy definition of what the kernel computes, which is the law: the portable C
equals it bit for bit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.program import ROW_SOURCE, KernelCall

Array = npt.NDArray[Any]
Params = Mapping[str, Any]

WINDOW = (
    "in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kernel_h", "kernel_w",
    "stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left", "groups",
)  # fmt: skip

SIZES = {"i8": 1, "i16": 2, "i32": 4, "f32": 4, "ptr": 4}


@dataclass(frozen=True, slots=True)
class Example:
    """Parameters (pointer fields hold arrays) and inputs that exercise a kernel.

    `more_outs` are shapes and dtypes of the outputs behind the first.
    """

    params: Params
    inputs: tuple[Array, ...]
    out_shape: tuple[int, ...]
    out_dtype: str
    more_outs: tuple[tuple[tuple[int, ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel.

    Attributes:
        name: the C function.
        struct: the C parameter struct.
        fields: (name, type) in C order; type is i8, i16, i32, f32 or ptr, followed by [n] for an
            array. Kernels with `window` have the fields of tms_window first, nested in C.
        reference: (params, *inputs, *outs) -> None; writes outs. Pointer fields are numpy arrays.
        examples: (generator) -> examples; small, and between them every path through the kernel.
        window: has a tms_window, sees rows and is called for output rows [y0, y1).
        in_place: the output may be the first input's memory.
        carries: each output row is added to the one above, which must still be there.
        elementwise: output element i depends on the same element of each input; `n` or
            `shape[3]` says for how many.
        scratch_bytes: (params) -> bytes that a call needs for itself, as the last argument in C.
        replaces: (input, output) pairs: each output may be that input's memory.
        upsampling: its window is that of a transposed convolution.
    """

    name: str
    struct: str
    fields: tuple[tuple[str, str], ...]
    reference: Callable[..., None]
    examples: Callable[[np.random.Generator], tuple[Example, ...]]
    window: bool = False
    in_place: bool = False
    carries: bool = False
    elementwise: bool = False
    scratch_bytes: Callable[[Params], int] | None = None
    upsampling: bool = False
    replaces: tuple[tuple[int, int], ...] = ()

    @property
    def source(self) -> str:
        """The file of runtime_c/src that holds it: a _dr variant shares its kernel's file."""
        return f"{self.name.removesuffix('_dr')}.c"

    @property
    def struct_bytes(self) -> int:
        """sizeof(struct) on a 32-bit machine."""
        size = 2 * len(WINDOW) if self.window else 0
        widest = 2 if self.window else 1
        for _, kind in self.fields:
            base, _, count = kind.rstrip("]").partition("[")
            width = SIZES[base]
            size = -(-size // width) * width + width * int(count or 1)
            widest = max(widest, width)
        return -(-size // widest) * widest


def _bring(params: Params, row: Array, out: Array) -> None:
    out[...] = row


_CALLERS = Kernel(ROW_SOURCE, "", (), _bring, lambda _: ())


def kernel_of(call: KernelCall) -> Kernel:
    """The kernel that a call runs, be it the caller's own."""
    return _CALLERS if call.kernel == ROW_SOURCE else kernels()[call.kernel]


@cache
def kernels() -> dict[str, Kernel]:
    """All kernels by C name: every module of `kernels/` that has KERNELS."""
    import studio.compiler.kernels as room

    found: dict[str, Kernel] = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        found.update({kernel.name: kernel for kernel in getattr(module, "KERNELS", ())})
    return found
