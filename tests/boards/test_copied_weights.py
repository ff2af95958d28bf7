"""Weights that start-up code copies to RAM: what they take, where they lie, what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from studio.boards import virtual
from studio.boards.link import Link
from studio.boards.verify import verify
from studio.budget import budget
from studio.build.banks import REST_BYTES, placed
from studio.build.firmware import build, generated_files, project_files, write_project
from studio.build.host import HostModel
from studio.build.link_map import Image
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression import quantize_int8, quantize_int16
from studio.errors import BuildError
from studio.job import finish
from studio.model.model import Model
from studio.targets.library import profile
from studio.targets.profile import Profile
from tests import nets

COMPILERS = ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)]
BOARDS = ["virtual/mps2-an385", "virtual/mps2-an500", "virtual/mps2-an505", "virtual/mps3-an547"]


def int8() -> Model:
    return quantize_int8.preview(quantize_int8.QuantizeInt8(), nets.ds_cnn())


def int16() -> Model:
    """Its bias has 64 bits, and with them another alignment."""
    return quantize_int16.preview(quantize_int16.QuantizeInt16(), nets.ds_cnn())


NETS = {"int8": int8, "int16": int16, "float": nets.ds_cnn}


def lowered(net: str, weights: str = "ram", plan: str = "small") -> Program:
    return lower(NETS[net](), Options(plan=plan, weights=weights))


def linked(program: Program, board: Profile, compiler: str, folder: Path) -> Image:
    write_project(project_files(program, board), folder)
    return finish(build(folder, toolchain(compiler)))


def constants(image: Image) -> dict[str, int]:
    """Where the linker put the constants of the layers."""
    with image.elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        found = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
    return {name: at for name, at in found.items() if name.startswith("layer") and "_" in name}


def inside(at: dict[str, int], board: Profile, name: str) -> bool:
    region = next(region for region in board.memory if region.name == name)
    return bool(at) and all(
        region.address <= one < region.address + region.size_bytes for one in at.values()
    )


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("net", NETS)
def test_flash_stays_and_ram_is_exact_before_the_build(net, board, compiler, tmp_path):
    target, program = profile(board), lowered(net)
    there = linked(lowered(net, "flash"), target, compiler, tmp_path / "flash")
    image = linked(program, target, compiler, tmp_path / "ram")
    said = budget(program, target, compiler)
    assert said.ram_bytes.value == image.ram_bytes == there.ram_bytes + program.copied_bytes
    assert image.arena_bytes == said.arena_bytes.value
    assert image.sections[".data"] == said.copied_bytes.value >= program.weight_bytes > 0
    assert image.flash_bytes == pytest.approx(there.flash_bytes, abs=32)  # but for alignment
    assert said.flash_bytes.value == pytest.approx(image.flash_bytes, rel=0.03)


@pytest.mark.needs_qemu
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("board", BOARDS[1:])
def test_outputs_are_those_of_weights_in_flash(board, compiler, tmp_path):
    target, program = profile(board), lowered("int8")
    image = linked(program, target, compiler, tmp_path)
    assert not inside(constants(image), target, "code")
    copied, flash = (finish(HostModel.build(p)) for p in (program, lowered("int8", "flash")))
    rng = np.random.default_rng(5)
    x = rng.integers(-128, 128, program.inputs[0].shape).astype(np.int8)
    with virtual.start(target, image) as running, Link(running.port) as link:
        (y,) = link.infer([x])
        found = finish(verify(copied, link, samples=3))
    assert found.identical, found.difference
    assert y.tobytes() == flash.run([x])[0].tobytes()
    assert len(set(y.tobytes())) > 1


@pytest.mark.needs_qemu
def test_the_arena_comes_first_and_weights_go_where_they_fit(tmp_path):
    program, real = lowered("int8"), profile("virtual/mps3-an547")
    sizes = {"dtcm": program.arena_bytes + 1024, "sram": program.copied_bytes + REST_BYTES}
    target = replace(
        real,
        memory=tuple(replace(r, size_bytes=sizes.get(r.name, r.size_bytes)) for r in real.memory),
    )
    same, banks = placed(program, target)
    assert same is program
    assert (list(banks.bytes_by_name), banks.rest.name) == (["dtcm"], "sram")
    image = linked(program, target, "zig", tmp_path)
    assert inside(constants(image), target, "sram")
    host = finish(HostModel.build(program))
    with virtual.start(target, image) as running, Link(running.port) as link:
        assert finish(verify(host, link, samples=1)).identical


def test_weights_that_no_bank_holds_are_refused_and_the_budget_says_by_how_much():
    program, real = lowered("int8"), profile("virtual/mps3-an547")
    sizes = {"dtcm": program.arena_bytes + 64, "sram": program.copied_bytes - 4}
    target = replace(
        real,
        memory=tuple(replace(r, size_bytes=sizes.get(r.name, r.size_bytes)) for r in real.memory),
    )
    said = budget(program, target)
    assert not said.fits
    assert said.over_ram_bytes == said.rest_bytes - sizes["sram"]
    assert budget(lowered("int8", "flash"), target).fits
    with pytest.raises(BuildError, match="no bank of its RAM holds") as refused:
        project_files(program, target)
    assert refused.value.hint.startswith("leave the weights in flash")
    with pytest.raises(BuildError, match="no bank of its RAM holds"):
        generated_files(program, replace(target, port=""))


@pytest.mark.parametrize("net", ["int8", "int16"])
def test_what_just_fits_can_be_linked(net, tmp_path):
    program, real = lowered(net), profile("virtual/mps2-an500")
    data = next(region for region in real.memory if region.name == "data")

    def of(size_bytes: int) -> Profile:
        return replace(real, memory=(real.memory[0], replace(data, size_bytes=size_bytes)))

    least = program.arena_bytes + int(budget(program, of(1 << 20)).rest_bytes)
    assert budget(program, of(least)).fits
    assert budget(program, of(least - 1)).over_ram_bytes == 1
    linked(program, of(least), "zig", tmp_path)
    with pytest.raises(BuildError, match="does not hold"):
        linked(program, of(least - 16), "zig", tmp_path)
