"""Boards with several banks of RAM: where an arena goes, whole or in two pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nets import MLPERF

from studio.budget import Reserve, budget
from studio.budget.side_by_side import why
from studio.build.banks import REST_BYTES, placed, whole
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BuildError
from studio.job import finish
from studio.targets.banks import ALIGN_BYTES, COUPLED, ON_CHIP, OUTSIDE, joined_banks, ram_banks
from studio.targets.library import profile
from studio.targets.profile import Profile, Region


@pytest.fixture(scope="module")
def vww() -> Program:
    return lower(preview(QuantizeInt8(), MLPERF["vww"]()))


def board(**ram: tuple[int, int]) -> Profile:
    """A Cortex-M7 with RAM by name: address and size."""
    real = profile("nucleo_h743zi2")
    banks = (Region(name, "ram", address, size) for name, (address, size) in ram.items())
    return replace(real, memory=(real.memory[0], *banks))


def test_banks_are_ordered_by_speed_and_neighbours_are_one() -> None:
    found = ram_banks(profile("nucleo_h743zi2"))
    assert [bank.name for bank in found] == ["dtcm", "axi_sram", "sram1+sram2+sram3", "sram4"]
    assert found[2].size_bytes == (128 + 128 + 32) << 10
    outside = ram_banks(board(far=(0x60000000, 1 << 20), near=(0x24000000, 1 << 10)))
    assert [(bank.name, bank.distance) for bank in outside] == [("near", ON_CHIP), ("far", OUTSIDE)]
    apart, (joined,) = ram_banks(profile("nucleo_f746zg")), joined_banks(profile("nucleo_f746zg"))
    assert [(bank.name, bank.distance) for bank in apart] == [
        ("dtcm", COUPLED), ("sram1+2", ON_CHIP),
    ]  # fmt: skip
    assert (joined.name, joined.size_bytes) == ("dtcm+sram1+2", 320 << 10)


def test_an_arena_goes_into_the_fastest_bank_that_holds_it() -> None:
    large = profile("nucleo_h743zi2")
    assert whole(60_000, large).bytes_by_name == {"dtcm": 60_000}
    assert whole(300_000, large).bytes_by_name == {"axi_sram": 300_000}
    full = whole(128 << 10, large)
    assert full.bytes_by_name == {"dtcm": 128 << 10}
    assert full.rest.name == "axi_sram"
    assert whole(300_000, profile("nucleo_f746zg")).bytes_by_name == {"dtcm+sram1+2": 300_000}


def test_what_is_missing_counts_variables_and_stack() -> None:
    one = board(a=(0x20000000, 5000))
    assert whole(3000, one, 1000).over_bytes == 0
    assert whole(4500, one, 1000).over_bytes == 500
    assert whole(20_000, board(a=(0x1000, 5000), b=(0x9000, 5000)), 100).over_bytes == 15_100


def test_an_arena_that_no_bank_holds_is_split(vww: Program) -> None:
    two = board(dtcm=(0x20000000, 40_000), sram=(0x24000000, 40_000))
    split, banks = placed(vww, two)
    assert banks.several
    assert banks.over_bytes == 0
    assert {bank.name for bank in banks.arenas} == {"dtcm", "sram"}
    assert sum(banks.arena_bytes) == split.arena_bytes
    assert max(banks.arena_bytes) <= 40_000
    assert placed(split, two) == (split, banks)
    with pytest.raises(BuildError, match="lacks"):
        placed(split, profile("nucleo_f401re"))


def test_the_busiest_bytes_lie_in_the_fast_bank(vww: Program) -> None:
    from studio.compiler.split import traffic_bytes

    split, banks = placed(vww, board(dtcm=(0x20000000, 45_000), sram=(0x24000000, 60_000)))
    assert split is vww  # the arena fits the other one
    assert banks.bytes_by_name == {"sram": vww.arena_bytes}
    split, banks = placed(vww, board(dtcm=(0x20000000, 45_000), sram=(0x24000000, 50_000)))
    traffic, near = traffic_bytes(split), [bank.name for bank in banks.arenas].index("dtcm")
    first = split.first_bytes
    shares = [0, 0]
    for offset, bytes_ in zip(split.offsets, traffic, strict=True):
        shares[offset >= first] += bytes_
    assert shares[near] > 2 * shares[1 - near]


def test_a_budget_says_that_a_plan_needs_two_banks_and_fits(vww: Program) -> None:
    two = board(dtcm=(0x20000000, 40_000), sram=(0x24000000, 45_000))
    found = budget(vww, two)
    assert found.fits
    assert found.over_ram_bytes == 0
    assert why(found) == f"needs two banks: {found.banks.text}"
    assert "dtcm " in found.banks.text
    assert " + " in found.banks.text
    assert "needs two banks" in found.arena_bytes.detail
    assert found.ram_bytes.value - found.arena_bytes.value == pytest.approx(350, abs=150)
    full = budget(vww, two, reserve=Reserve(0, 30_000))
    assert not full.fits
    assert not full.banks.several
    one = budget(vww, board(sram=(0x24000000, 85_000)))
    assert one.fits
    assert one.arena_bytes.value == vww.arena_bytes < found.arena_bytes.value
    assert 4096 + found.ram_bytes.value - found.arena_bytes.value < REST_BYTES


def test_a_plan_by_rows_is_split_too() -> None:
    program = lower(preview(QuantizeInt8(), MLPERF["ic"]()), Options(plan="small"))
    share = program.arena_bytes * 5 // 8
    two = board(dtcm=(0x20000000, share), sram=(0x24000000, share + REST_BYTES))
    split, banks = placed(program, two)
    assert banks.several
    assert split.arena_bytes < program.arena_bytes + 64


@pytest.mark.parametrize("more", [2500, 3500, 4500])
def test_budget_and_image_choose_alike_where_there_is_little_room(more: int) -> None:
    program = lower(preview(QuantizeInt8(), MLPERF["ic"]()), Options(plan="small"))
    tight = board(a=(0x20000000, program.arena_bytes + more), b=(0x24000000, 4600))
    _, banks = placed(program, tight)
    assert banks.several
    assert budget(program, tight).banks == banks


def test_an_arena_split_for_larger_banks_of_the_same_names_does_not_fit(vww: Program) -> None:
    split, _ = placed(vww, board(dtcm=(0x20000000, 40_000), sram=(0x24000000, 40_000)))
    small = board(dtcm=(0x20000000, 20_000), sram=(0x24000000, 25_000))
    assert placed(split, small)[1].over_bytes == split.arena_bytes - 45_000 + REST_BYTES
    full = {piece.bank: piece.size_bytes for piece in split.pieces}
    exact = board(dtcm=(0x20000000, full["dtcm"]), sram=(0x24000000, full["sram"]))
    assert placed(split, exact)[1].over_bytes == REST_BYTES


def test_a_bank_begins_where_an_arena_may() -> None:
    (odd,) = ram_banks(board(sram=(0x20001AE9, 5000)))
    assert (odd.address, odd.end) == (0x20001AF0, 0x20001AE9 + 5000)
    assert whole(4993, board(sram=(0x20001AE9, 5000)), 0).over_bytes == 0
    assert whole(4994, board(sram=(0x20001AE9, 5000)), 0).over_bytes == 1
    (tiny,) = ram_banks(board(sram=(0x20000001, 3)))
    assert tiny.size_bytes == 0


@pytest.mark.parametrize("address", [0x20000000, 0x20000009])
def test_what_just_fits_can_be_linked(address: int, tmp_path: Path) -> None:
    program = lower(preview(QuantizeInt8(), MLPERF["ic"]()), Options(plan="small"))
    real = profile("virtual/mps2-an500")
    flash = next(region for region in real.memory if region.kind == "flash")

    def of(size_bytes: int) -> Profile:
        return replace(real, memory=(flash, Region("ram", "ram", address, size_bytes)))

    roomy = budget(program, of(1 << 20))
    start = -(-address // ALIGN_BYTES) * ALIGN_BYTES - address
    least = start + program.arena_bytes + roomy.rest_bytes
    assert budget(program, of(least)).fits
    assert budget(program, of(least - 1)).over_ram_bytes == 1
    write_project(project_files(program, of(least)), tmp_path)
    assert finish(build(tmp_path, toolchain("zig"))).ram_bytes == roomy.ram_bytes.value
    write_project(project_files(program, of(least - 8)), tmp_path)
    with pytest.raises(BuildError, match="does not hold"):
        finish(build(tmp_path, toolchain("zig")))
