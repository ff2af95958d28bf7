"""Constants that are copied to RAM, in generated C: where a compiler puts them, and who decides."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from nets import Net, quantized, resnet8
from state_nets import unchanged

from studio.compiler.emit import emit
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-ffp-contract=off"]
RAM = Options(weights="ram")


def dense() -> Program:
    net = Net()
    return lower(net.model((1, 6), net.dense("x", 6, 5), name="dense"), RAM)


def sections(program: Program, folder: Path, *flags: str) -> dict[str, tuple[str, int]]:
    """The section of each constant in the model's object file, and its alignment."""
    for path, content in emit(program).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    source = f"{program.name}.c"
    command = ["cc", *STRICT, *flags, "-I.", "-c", source, "-o", "model.o"]
    subprocess.run(command, cwd=folder, check=True)
    with (folder / "model.o").open("rb") as stream:
        elf = ELFFile(stream)
        table = elf.get_section_by_name(".symtab")
        return {
            symbol.name: (elf.get_section(symbol["st_shndx"]).name, symbol["st_value"])
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_OBJECT"
        }


def test_they_are_variables_that_start_up_code_copies(tmp_path):
    found = sections(dense(), tmp_path)
    assert {found[name][0] for name in ("layer0_weights", "layer0_bias")} == {".data.tms_weights"}


def test_a_project_leaves_them_in_flash_or_puts_them_elsewhere(tmp_path):
    left = sections(dense(), tmp_path, "-DDENSE_WEIGHTS=const")
    assert left["layer0_weights"][0].startswith(".rodata")
    fast = sections(dense(), tmp_path, '-DDENSE_WEIGHTS=__attribute__((section(".fast")))')
    assert fast["layer0_weights"][0] == ".fast"


def test_the_header_says_what_they_take():
    program = dense()
    header = emit(program)["dense.h"].decode()
    assert f"take {program.copied_bytes} bytes of RAM beside the arena" in header
    assert f"copied to {program.copied_bytes} of RAM" in emit(program)["dense.c"].decode()
    assert "DENSE_WEIGHTS" in header
    flash = lower(quantized(resnet8()))
    assert not any(b"_WEIGHTS" in text for path, text in emit(flash).items() if flash.name in path)


def test_each_begins_where_its_elements_and_words_may(tmp_path):
    program = lower(quantized(resnet8()), RAM)
    found = sections(program, tmp_path)
    offsets = [at for section, at in found.values() if section == ".data.tms_weights"]
    assert len(offsets) == len(program.copied) > 9
    assert all(at % program.copied_align == 0 for at in offsets)
    assert program.weight_bytes <= program.copied_bytes <= program.weight_bytes + 4 * len(offsets)


def test_what_only_a_reset_reads_stays_in_flash(tmp_path):
    program = lower(unchanged(), RAM)
    only = {value for value in program.initial.values() if isinstance(value, str)} - program.copied
    assert only
    found = sections(program, tmp_path)
    (first,) = (section for name, (section, _) in found.items() if name.startswith("state"))
    assert first.startswith(".rodata")


@pytest.mark.parametrize("plan", ["layerwise", "small"])
def test_only_where_constants_lie_differs(plan):
    model = quantized(resnet8())
    flash, ram = (lower(model, Options(plan=plan, weights=w)) for w in ("flash", "ram"))
    assert flash.offsets == ram.offsets
    assert not flash.copied
    assert flash.copied_bytes == 0
    assert all(
        np.array_equal(flash.constants[name].data, ram.constants[name].data)
        for name in flash.constants
    )
