"""Calls kernels through runtime_c/tests/driver.c, a child process built under sanitizers."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np

from studio.compiler.kernel import WINDOW, Example, Kernel, kernels

RUNTIME = Path(__file__).resolve().parents[2] / "runtime_c"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
HAS_CC = shutil.which("cc") is not None
# zig serves where there is no system compiler, but has no address sanitizer.
COMPILER = (
    ("cc", "-fsanitize=address,undefined")
    if HAS_CC
    else (sys.executable, "-m", "ziglang", "cc", "-fsanitize=undefined")
)
SANITIZED = ("-O1", "-g", "-fno-sanitize-recover=all", "-ffp-contract=off")

Mode = Literal["whole", "rows", "ring", "upsampling_ring", "in_place"]
MODES: tuple[Mode, ...] = ("whole", "rows", "ring", "upsampling_ring", "in_place")


def modes(kernel: Kernel, example: Example) -> tuple[Mode, ...]:
    """The ways in which a kernel may be called on an example."""
    if kernel.window:
        return ("whole", "rows", "upsampling_ring" if kernel.upsampling else "ring")
    first = example.inputs[0]
    out_bytes = np.dtype(example.out_dtype).itemsize * int(np.prod(example.out_shape))
    return ("whole", "in_place") if kernel.in_place and first.nbytes == out_bytes else ("whole",)


def c_struct(kernel: Kernel, pointer: Any = ctypes.c_void_p) -> type[ctypes.Structure]:
    """The parameter struct of a kernel, window fields flat, with this machine's alignment."""
    kinds = {
        "i8": ctypes.c_int8,
        "i16": ctypes.c_int16,
        "i32": ctypes.c_int32,
        "f32": ctypes.c_float,
        "ptr": pointer,
    }
    fields: list[tuple[str, Any]] = [(name, ctypes.c_int16) for name in WINDOW if kernel.window]
    for name, kind in kernel.fields:
        base, _, count = kind.rstrip("]").partition("[")
        fields.append((name, kinds[base] * int(count) if count else kinds[base]))
    return type(kernel.struct, (ctypes.Structure,), {"_fields_": fields})


class Driver:
    """The child process; every call is one request."""

    def __init__(self, folder: Path) -> None:
        self.index = {name: i for i, name in enumerate(kernels())}
        self.program = _build(folder)
        self.errors = folder / "stderr.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def run(
        self, kernel: Kernel, example: Example, mode: Mode, outs: list[np.ndarray]
    ) -> list[np.ndarray]:
        """What the C kernel makes of `outs`' initial bytes; fails with what a sanitizer said."""
        if self.process is None:
            with self.errors.open("wb") as errors:
                self.process = subprocess.Popen(
                    [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
                )
        process = self.process
        assert process.stdin and process.stdout
        process.stdin.write(self._request(kernel, example, mode, outs))
        process.stdin.flush()
        answers = [process.stdout.read(out.nbytes) for out in outs]
        if any(len(a) < out.nbytes for a, out in zip(answers, outs, strict=True)):
            self.close()
            raise AssertionError(f"{kernel.name} {mode}: {self.errors.read_text()}")
        return [
            np.frombuffer(a, out.dtype).reshape(out.shape)
            for a, out in zip(answers, outs, strict=True)
        ]

    def close(self) -> int:
        """End the child process; its exit status."""
        if self.process is None:
            return 0
        self.process.communicate()
        status, self.process = self.process.returncode, None
        return status

    def _request(
        self, kernel: Kernel, example: Example, mode: Mode, outs: list[np.ndarray]
    ) -> bytes:
        layout = c_struct(kernel)
        values, pointers = layout(), []
        for name, _ in layout._fields_:  # type: ignore[misc]
            value = example.params[name]
            if isinstance(value, np.ndarray):
                pointers.append(struct.pack("<I", getattr(layout, name).offset) + _block(value))
            else:
                is_array = isinstance(getattr(values, name), ctypes.Array)
                setattr(values, name, tuple(value) if is_array else value)
        head = (self.index[kernel.name], MODES.index(mode), ctypes.sizeof(layout), len(pointers))
        scratch_bytes = kernel.scratch_bytes(example.params) if kernel.scratch_bytes else 0
        return b"".join(
            (
                struct.pack("<7I", *head, len(example.inputs), len(outs), scratch_bytes),
                bytes(values),
                *pointers,
                *(_block(x) for x in example.inputs),
                *(_block(out) for out in outs),
            )
        )


def _block(array: np.ndarray) -> bytes:
    return struct.pack("<I", array.nbytes) + array.tobytes()


def _build(folder: Path) -> Path:
    def line(kernel: Kernel) -> str:
        if kernel.window:
            return f"WINDOW({kernel.name})\n"
        example = kernel.examples(np.random.default_rng(0))[0]
        arguments = [f"in[{i}]" for i in range(len(example.inputs))]
        arguments += [f"out[{i}]" for i in range(1 + len(example.more_outs))]
        arguments += ["scratch"] if kernel.scratch_bytes else []
        return f"FLAT({kernel.name}, {', '.join(arguments)})\n"

    table = "".join(map(line, kernels().values()))
    (folder / "kernel_table.h").write_text(table)
    sources = sorted({RUNTIME / "src" / kernel.source for kernel in kernels().values()})
    program = folder / "driver"
    built = subprocess.run(
        [
            *(*COMPILER, *STRICT, *SANITIZED),
            *(f"-I{RUNTIME / 'include'}", f"-I{folder}", *map(str, sources)),
            *(str(RUNTIME / "tests" / "driver.c"), "-o", str(program)),
        ],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return program
