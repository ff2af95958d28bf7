"""Boards with several banks of memory: each piece of an arena lies where it was planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from studio.boards import virtual
from studio.boards.link import Link
from studio.boards.verify import verify
from studio.build.banks import REST_BYTES, placed
from studio.build.firmware import build, project_files, write_project
from studio.build.host import HostModel
from studio.build.link_map import Image
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.job import finish
from studio.targets.library import profile
from studio.targets.profile import Profile
from tests import nets

pytestmark = pytest.mark.needs_qemu
# The faster bank and the other one, at the addresses that QEMU's machines really have.
BOARDS = {
    "virtual/mps2-an500": ("data", "psram"),
    "virtual/mps2-an505": ("data", "internal"),
    "virtual/mps3-an547": ("dtcm", "sram"),
}


def with_ram(board: str, *sizes: int) -> Profile:
    """A virtual board of which only so much of each bank is used."""
    real, of = profile(board), dict(zip(BOARDS[board], sizes, strict=True))
    memory = tuple(
        replace(region, size_bytes=of.get(region.name, region.size_bytes)) for region in real.memory
    )
    return replace(real, memory=memory)


def lowered(plan: str) -> Program:
    return lower(preview(QuantizeInt8(), nets.ds_cnn()), Options(plan=plan))


def addresses(image: Image) -> dict[str, int]:
    """Where the linker put the pieces of the arena, and a variable of the monitor."""
    with image.elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        found = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
    return {name: found[name] for name in found if name.startswith(("tms_app_", "tms_line"))}


def ran(program: Program, board: Profile, compiler: str, folder: Path) -> dict[str, int]:
    """The addresses in the image, once it has computed what the host computes."""
    host = finish(HostModel.build(program))
    write_project(project_files(program, board), folder)
    image = finish(build(folder, toolchain(compiler)))
    assert image.arena_bytes == program.arena_bytes == host.arena_bytes
    with virtual.start(board, image) as running, Link(running.port) as link:
        assert link.memory().arena_bytes == program.arena_bytes
        found = finish(verify(host, link, samples=3))
        assert found.identical, found.difference
    return addresses(image)


def inside(address: int, size_bytes: int, board: Profile, bank: str) -> bool:
    region = next(region for region in board.memory if region.name == bank)
    return region.address <= address and address + size_bytes <= region.address + region.size_bytes


@pytest.mark.parametrize(
    ("board", "plan", "compiler"),
    [
        ("virtual/mps2-an500", "layerwise", "zig"),
        ("virtual/mps2-an505", "small", "zig"),
        ("virtual/mps3-an547", "small", "zig"),
        pytest.param("virtual/mps3-an547", "layerwise", "gcc", marks=pytest.mark.needs_gcc),
    ],
)
def test_an_arena_that_no_bank_holds_lies_in_two(tmp_path, board, plan, compiler):
    program = lowered(plan)
    share = program.arena_bytes * 5 // 8
    there = with_ram(board, share + REST_BYTES, share)
    split, banks = placed(program, there)
    assert banks.several
    at = ran(split, there, compiler, tmp_path)
    for symbol, piece in zip(("tms_app_arena", "tms_app_second"), split.pieces, strict=True):
        assert inside(at[symbol], piece.size_bytes, there, piece.bank)


@pytest.mark.parametrize(
    ("board", "compiler"),
    [
        ("virtual/mps3-an547", "zig"),
        pytest.param("virtual/mps2-an500", "gcc", marks=pytest.mark.needs_gcc),
    ],
)
def test_an_arena_goes_whole_into_the_fastest_bank_that_holds_it(tmp_path, board, compiler):
    fast, slow = BOARDS[board]
    program = lowered("layerwise")
    arena = program.arena_bytes
    roomy = with_ram(board, arena + 64, arena - 64)  # but not for variables and stack
    same, banks = placed(program, roomy)
    assert same is program
    assert list(banks.bytes_by_name) == [fast]
    at = ran(program, roomy, compiler, tmp_path / "fast")
    assert inside(at["tms_app_arena"], arena, roomy, fast)
    assert inside(at["tms_line"], 1, roomy, slow)
    small = with_ram(board, arena - 4, 32_768)
    at = ran(program, small, compiler, tmp_path / "slow")
    assert inside(at["tms_app_arena"], arena, small, slow)
