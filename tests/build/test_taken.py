"""What the user's own firmware takes, from an ELF file or a linker map."""

from __future__ import annotations

import pytest
from nets import conv_1d

from studio.build.firmware import build, project_files, write_project
from studio.build.taken import taken_bytes
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile

GNU_MAP = """Memory Configuration

Linker script and memory map

.text           0x08000000     0x1000
 .text.main     0x08000000      0x200 main.o
.rodata         0x08001000      0x100
.ARM.exidx      0x08001100        0x8
.data           0x20000000       0x40 load address 0x08001108
.bss            0x20000040      0x800
 .bss.buffer    0x20000040      0x700 main.o
.debug_info     0x00000000     0x9999
"""
LLD_MAP = """     VMA      LMA     Size Align Out     In      Symbol
 8000000  8000000     1000     4 .text
 8000000  8000000      200     4         main.o:(.text.main)
20000000  8001000       40     4 .data
20000040 20000040      800     4 .bss
"""


def test_a_map_of_gnu_ld(tmp_path):
    path = tmp_path / "app.map"
    path.write_text(GNU_MAP)
    assert taken_bytes(path) == (0x1000 + 0x100 + 8 + 0x40, 0x40 + 0x800)


def test_a_map_of_lld(tmp_path):
    path = tmp_path / "app.map"
    path.write_text(LLD_MAP)
    assert taken_bytes(path) == (0x1000 + 0x40, 0x40 + 0x800)


def test_an_elf_file_is_counted_as_the_build_counts_it(tmp_path):
    write_project(project_files(lower(conv_1d()), profile("virtual/mps2-an386")), tmp_path)
    image = finish(build(tmp_path, toolchain("zig")))
    assert taken_bytes(image.elf) == (image.flash_bytes, image.ram_bytes)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "neither an ELF file nor a linker map"),
        (b"hello\n" * 50, "neither an ELF file nor a linker map"),
        (b"\x7fELF" + bytes(100), "not an image that can be read"),
        (b".flash.text  0x08000000  0x1000\n.dram0.bss  0x20000000  0x800\n", "names no section"),
    ],
)
def test_what_is_neither_is_named(tmp_path, content, what):
    path = tmp_path / "app"
    path.write_bytes(content)
    with pytest.raises(BuildError, match=what):
        taken_bytes(path)
    with pytest.raises(BuildError, match="cannot be read"):
        taken_bytes(tmp_path / "none")
