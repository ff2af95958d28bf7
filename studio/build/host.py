"""The generated C as a library of this computer."""

from __future__ import annotations

import ctypes
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.build.firmware import (
    Manifest,
    compile_all,
    complaint,
    model_digest,
    move_whole,
    write_project,
)
from studio.build.process import run
from studio.build.toolchains import Toolchain, default_toolchain
from studio.compiler.program import Program
from studio.errors import BuildError
from studio.job import Job, Progress

Array = npt.NDArray[Any]

# By TMS_INT8, ... of tms.h.
DTYPES = {1: "int8", 2: "uint8", 3: "int16", 4: "int32", 5: "float32", 6: "bool"}
_ALIGN = 16
_GUARD_BYTES = 256
_GUARD = 0xA5
_BUG = "report this as a bug"
# The trace hook is a part of every firmware; here nobody listens.
_HOOK = b"void tms_trace(int layer);\nvoid tms_trace(int layer) { (void)layer; }\n"


# tms_row_source of tms.h.
_RowSource = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)


class _Tensor(ctypes.Structure):
    """tms_tensor of tms.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("offset", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
        ("shape", ctypes.c_uint16 * 4),
        ("dtype", ctypes.c_uint8),
    )


class _Model(ctypes.Structure):
    """tms_model of tms.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("inputs", ctypes.POINTER(_Tensor)),
        ("outputs", ctypes.POINTER(_Tensor)),
        ("run", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("reset", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("arena_bytes", ctypes.c_uint32),
        ("n_inputs", ctypes.c_uint16),
        ("n_outputs", ctypes.c_uint16),
        ("n_layers", ctypes.c_uint16),
        ("run_rows", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _RowSource, ctypes.c_void_p)),
    )


class HostModel:
    """A model's generated C in this process.

    Its arena lies between guard bytes that are checked after every run, and what goes in is
    checked for type and size, so that a fault in generated code shows as a BuildError.

    Attributes:
        name: the model's name.
        digest: of the generated code, as in Image.digest.
    """

    def __init__(self, library: Path, name: str, digest: str, second_bytes: int = 0) -> None:
        self.name = name
        self.digest = digest
        try:
            self._library = ctypes.CDLL(str(library))
            self._model = _Model.in_dll(self._library, f"{name}_model")
        except (OSError, ValueError) as error:
            raise BuildError(
                f"cannot be loaded: {error}", str(library), "build it again"
            ) from error
        self._arena = _Guarded(self._model.arena_bytes)
        self._second = _Guarded(second_bytes)
        self._lock = threading.Lock()
        if second_bytes:
            self._link()
        self.reset()

    @classmethod
    def build(cls, program: Program, toolchain: Toolchain | None = None) -> Job[HostModel]:
        """Compile a program's C for this computer and load it.

        Raises:
            BuildError: there is no compiler, or it refuses the code.
        """
        from studio.compiler.emit import emit

        second_bytes = program.arena_bytes - program.first_bytes
        files = emit(program)
        return (yield from cls.build_files(files, program.name, toolchain, second_bytes))

    @classmethod
    def build_files(
        cls,
        files: Mapping[str, bytes],
        name: str,
        toolchain: Toolchain | None = None,
        second_bytes: int = 0,
    ) -> Job[Self]:
        """Compile emitted files and load them; `<name>.c` defines `<name>_model`."""
        chosen = toolchain or default_toolchain("host")
        folder = tempfile.TemporaryDirectory(prefix="tinyml-studio-host-")
        try:
            library = yield from _build_library(Path(folder.name), files, name, chosen)
            model = cls(library, name, model_digest(files), second_bytes)
        except BaseException:
            folder.cleanup()
            raise
        weakref.finalize(model, folder.cleanup)
        return model

    @property
    def arena_bytes(self) -> int:
        """What the generated code asks for."""
        return self._arena.size_bytes + self._second.size_bytes

    def _link(self) -> None:
        """Tell an arena in two pieces of its second one."""
        model = ctypes.c_void_p()  # <name>_t
        init = getattr(self._library, f"{self.name}_init")
        pieces = [
            argument
            for piece in (self._arena, self._second)
            for argument in (ctypes.c_void_p(piece.address), ctypes.c_size_t(piece.size_bytes))
        ]
        if init(ctypes.byref(model), *pieces):
            raise BuildError("refuses its arena", self.name, _BUG)

    def reset(self) -> None:
        """Clear persistent state."""
        with self._lock:
            self._model.reset(self._arena.address)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference.

        Args:
            inputs: arrays in the model's dtypes, channels last without batch, in its order.

        Returns:
            The outputs, likewise.

        Raises:
            BuildError: an input of another type or size, or generated code that wrote outside
                of its arena.
        """
        tensors = [self._model.inputs[index] for index in range(self._model.n_inputs)]
        if len(inputs) != len(tensors):
            raise BuildError(
                f"takes {len(tensors)} inputs, not {len(inputs)}", self.name, "give one array each"
            )
        for tensor, array in zip(tensors, inputs, strict=True):
            _check_input(tensor, array)
        with self._lock:
            if self._model.run_rows:
                self._run_rows(inputs[0])
            else:
                for tensor, array in zip(tensors, inputs, strict=True):
                    self._place(tensor)[:] = _bytes(array)
                self._model.run(self._arena.address)
            self._check_guards()
            outputs = (self._model.outputs[index] for index in range(self._model.n_outputs))
            return [self._get(tensor) for tensor in outputs]

    def _run_rows(self, image: Array) -> None:
        """One inference that asks for its input row by row."""
        rows = _bytes(image).reshape(self._model.inputs[0].shape[0], -1)

        def bring(_: Any, y: int, to: int) -> int:
            if not 0 <= y < len(rows):
                return 1
            ctypes.memmove(to, rows[y].ctypes.data, rows.shape[1])
            return 0

        if self._model.run_rows(self._arena.address, _RowSource(bring), None):
            raise BuildError("asks for a row that its input does not have", self.name, _BUG)

    def _get(self, tensor: Any) -> Array:
        shape = [axis for axis in tensor.shape if axis]
        return self._place(tensor).copy().view(DTYPES[tensor.dtype]).reshape(shape)

    def _place(self, tensor: Any) -> Array:
        if tensor.offset + tensor.bytes > self._model.arena_bytes:
            raise BuildError("lies outside of the arena", f"tensor {tensor.name.decode()}", _BUG)
        return self._arena.bytes[tensor.offset : tensor.offset + tensor.bytes]

    def _check_guards(self) -> None:
        if not (self._arena.whole and self._second.whole):
            raise BuildError("the generated code wrote outside of its arena", self.name, _BUG)


class _Guarded:
    """Aligned memory between guard bytes."""

    def __init__(self, size_bytes: int) -> None:
        memory = np.full(size_bytes + 2 * _GUARD_BYTES + _ALIGN, _GUARD, np.uint8)
        start = _GUARD_BYTES + -(memory.ctypes.data + _GUARD_BYTES) % _ALIGN
        self.bytes = memory[start : start + size_bytes]
        self._before, self._behind = memory[:start], memory[start + size_bytes :]

    @property
    def address(self) -> int:
        """Of the first byte."""
        return int(self.bytes.ctypes.data)

    @property
    def size_bytes(self) -> int:
        """Bytes between the guards."""
        return len(self.bytes)

    @property
    def whole(self) -> bool:
        """True where nobody wrote outside."""
        return bool((self._before == _GUARD).all() and (self._behind == _GUARD).all())


def _check_input(tensor: Any, array: Array) -> None:
    if array.dtype != DTYPES[tensor.dtype] or array.nbytes != tensor.bytes:
        raise BuildError(
            f"takes {tensor.bytes} bytes of {DTYPES[tensor.dtype]}, not {array.nbytes} of "
            f"{array.dtype}",
            f"input {tensor.name.decode()}",
            "convert it as Buffer.quantize and Buffer.to_physical do",
        )


def _bytes(array: Array) -> Array:
    return np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)


def _build_library(
    folder: Path, files: Mapping[str, bytes], name: str, toolchain: Toolchain
) -> Job[Path]:
    write_project({**files, "trace.c": _HOOK}, folder)
    manifest = Manifest(
        model=name,
        digest="",
        board="",
        core="host",
        machine="",
        stack_bytes=0,
        linker_script="",
        fast=tuple(sorted(path for path in files if path.endswith(".c") and "/" in path)),
        small=(f"{name}.c", "trace.c"),
    )
    objects = yield from compile_all(folder, manifest, toolchain, folder)
    part, library = folder / "part.so", folder / f"{name}.so"
    command = toolchain.library_command(objects, str(part))
    status, text = yield from run(command, folder, toolchain.environment, Progress("linking", 0.95))
    if status:
        raise BuildError("the compiler refused it", name, complaint(text))
    move_whole(part, library)
    return library
