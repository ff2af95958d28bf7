"""Flash and RAM before the build against the linker's own figures."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
from nets import MLPERF, OPERATORS, conv_1d

from studio.budget import budget
from studio.budget.side_by_side import rows
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BuildError
from studio.job import finish
from studio.targets.library import profile
from studio.targets.profile import Region

BOARDS = [
    "virtual/mps2-an385", "virtual/mps2-an386", "virtual/mps2-an500", "virtual/mps2-an505",
    "virtual/mps3-an547",
]  # fmt: skip


@pytest.mark.needs_gcc
@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("board", BOARDS)
def test_flash_within_3_percent_and_ram_exact_before_the_build(board, compiler, tmp_path):
    target = profile(board)
    models = [preview(QuantizeInt8(), MLPERF[net]()) for net in ("ad", "vww")]
    models += [make() for make in OPERATORS.values()]
    small = Options(plan="small")
    for model in [*models, preview(QuantizeInt8(), MLPERF["ic"]())]:
        program = lower(model, small if model.name == "ic" else Options())
        write_project(project_files(program, target), tmp_path)
        image = finish(build(tmp_path, toolchain(compiler)))
        predicted = budget(program, target, compiler)
        assert predicted.ram_bytes.value == image.ram_bytes, model.name
        assert predicted.arena_bytes.value == image.arena_bytes, model.name
        assert predicted.flash_bytes.value == pytest.approx(image.flash_bytes, rel=0.03), model.name


def test_a_net_that_is_too_large_says_by_how_much():
    program = lower(MLPERF["vww"]())
    small = profile("virtual/mps2-an386")
    small = replace(small, memory=tuple(replace(r, size_bytes=64 << 10) for r in small.memory))
    found = budget(program, small)
    assert not found.fits
    assert found.over_flash_bytes == found.flash_bytes.value - (64 << 10)
    taken = found.ram_bytes.value + found.stack_bytes.value
    assert found.over_ram_bytes == found.arena_bytes.value + found.rest_bytes - (64 << 10)
    assert 0 <= found.over_ram_bytes - (taken - (64 << 10)) < 16  # the arena begins aligned
    assert found.peak[0]
    assert found.peak[1]


def test_every_figure_says_where_it_comes_from():
    found = budget(lower(conv_1d()), profile("virtual/mps2-an386"))
    assert found.flash_bytes.source == found.ram_bytes.source == "computed"
    assert sum(found.flash_parts.values()) == found.flash_bytes.value
    bare = budget(lower(conv_1d()), replace(profile("virtual/mps2-an386"), port=""))
    assert bare.flash_bytes.source == "estimated"


def test_a_core_without_a_table_is_a_named_error():
    board = replace(profile("virtual/mps2-an386"), core="xtensa-lx7")
    with pytest.raises(BuildError, match="xtensa-lx7"):
        budget(lower(conv_1d()), board)


def test_few_programs_are_kept_while_a_slider_moves():
    program = lower(preview(QuantizeInt8(), MLPERF["ad"]()))
    boards = [profile(board) for board in ("nucleo_f401re", "nano33ble_sense", "nucleo_h743zi2")]
    moved = []
    for number in range(40):
        one = replace(program, name=f"net{number}")
        moved.append(weakref.ref(one))
        for board in boards:
            budget(one, board)
        del one
    gc.collect()
    assert sum(ref() is not None for ref in moved) <= 24


def test_flash_is_what_the_linker_uses_where_a_board_has_several_regions(tmp_path):
    real = profile("virtual/mps2-an386")
    program = lower(preview(QuantizeInt8(), MLPERF["ad"]()))
    write_project(project_files(program, real), tmp_path)
    taken = finish(build(tmp_path, toolchain("zig"))).flash_bytes
    ram = real.memory[1]

    def with_flash(*regions: tuple[int, int]):
        flash = (Region(f"f{at:x}", "flash", at, size) for at, size in regions)
        return replace(real, memory=(*flash, ram))

    def links(board) -> bool:
        write_project(project_files(program, board), tmp_path)
        try:
            return bool(finish(build(tmp_path, toolchain("zig"))))
        except BuildError as error:
            assert "overflowed" in error.hint or "FLASH" in error.hint
            return False

    half, rest = taken // 2 & ~15, taken & ~15
    neighbours = with_flash((half, rest), (0, half))
    assert neighbours.flash.address == 0 and neighbours.size_bytes("flash") == half + rest
    assert links(neighbours) and not budget(program, neighbours).over_flash_bytes
    gap = with_flash((0, half), (1 << 20, 1 << 20))
    predicted = int(budget(program, gap).flash_bytes.value)
    assert not links(gap) and budget(program, gap).over_flash_bytes == predicted - half
    assert rows([budget(program, gap)])[0][3] == str(half)
