"""Kernel.fields say how the parameter structs lie in memory on a 32-bit machine."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from studio.compiler.kernel import WINDOW, Kernel, kernels
from tests.runtime_c.driver import RUNTIME, STRICT, c_struct

ZIG = (sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi")
GCC = ("arm-none-eabi-gcc", "-mthumb")
COMPILERS = {
    "zig m0+": (*ZIG, "-mcpu=cortex_m0plus"),
    "zig m55": (*ZIG, "-mcpu=cortex_m55"),
    "gcc m0+": (*GCC, "-mcpu=cortex-m0plus"),
    "gcc m4": (*GCC, "-mcpu=cortex-m4"),
    "gcc m55": (*GCC, "-mcpu=cortex-m55", "-mfloat-abi=hard"),
}
HEADER = '#include "tms.h"\n'
EVERY_SOURCE = "".join(
    f'#include "{RUNTIME / "src" / source}"\n'
    for source in sorted({kernel.source for kernel in kernels().values()})
)


def compiled(name: str, folder: Path, lines: str, *options: str) -> str:
    """What a cross compiler has to say about a freestanding source."""
    source = folder / "source.c"
    source.write_text(lines)
    command = (*COMPILERS[name], "-ffreestanding", f"-I{RUNTIME / 'include'}", *options, "-c")
    done = subprocess.run(
        (*command, str(source), "-o", str(folder / "source.o")), capture_output=True, text=True
    )
    return done.stderr


def asserted(kernel: Kernel) -> str:
    """Static assertions of a struct's size and offsets."""
    layout = c_struct(kernel, pointer=ctypes.c_uint32)
    lines = [f'_Static_assert(sizeof({kernel.struct}) == {kernel.struct_bytes}, "size");']
    for name, _ in layout._fields_:  # type: ignore[misc]
        member = f"window.{name}" if kernel.window and name in WINDOW else name
        offset = getattr(layout, name).offset
        lines.append(
            f'_Static_assert(offsetof({kernel.struct}, {member}) == {offset}, "{member}");'
        )
    return "\n".join(lines) + "\n"


def test_structs_lie_in_memory_as_described(tmp_path: Path) -> None:
    structs = {kernel.struct: kernel for kernel in kernels().values()}
    lines = HEADER + "".join(map(asserted, structs.values()))
    assert compiled("zig m55", tmp_path, lines, "-std=c11") == ""


def test_a_wrong_description_is_noticed(tmp_path: Path) -> None:
    wrong = asserted(kernels()["tms_dense_s8"]).replace("in_n) == 4", "in_n) == 8")
    assert "in_n" in compiled("zig m55", tmp_path, HEADER + wrong, "-std=c11")


def test_kernels_of_one_struct_describe_it_alike() -> None:
    described: dict[str, tuple[tuple[str, str], ...]] = {}
    for kernel in kernels().values():
        assert described.setdefault(kernel.struct, kernel.fields) == kernel.fields


@pytest.mark.parametrize("compiler", [name for name in COMPILERS if "zig" in name])
def test_sources_are_freestanding_c99_for_zig(compiler: str, tmp_path: Path) -> None:
    assert compiled(compiler, tmp_path, EVERY_SOURCE, *STRICT, "-Os") == ""


@pytest.mark.needs_gcc
@pytest.mark.parametrize("compiler", [name for name in COMPILERS if "gcc" in name])
def test_sources_are_freestanding_c99_for_gcc(compiler: str, tmp_path: Path) -> None:
    assert compiled(compiler, tmp_path, EVERY_SOURCE, *STRICT, "-Os") == ""
