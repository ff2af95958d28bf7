"""Board profiles: what comes with the program is sound, what a user gets wrong is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.errors import ProfileError
from studio.targets.library import profile, profiles, read_profile
from studio.targets.profile import CORES

GOOD = """
name = "A board"
mcu = "ABC123"
core = "cortex-m4f"
clock_hz = { value = 64_000_000, source = "its data sheet" }

[[memory]]
name = "flash"
kind = "flash"
address = 0x00000000
size_bytes = 1_048_576

[[memory]]
name = "sram"
kind = "ram"
address = 0x20000000
size_bytes = 262_144
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_profile_reads_and_has_flash_ram_and_a_source() -> None:
    real = [found for found in profiles().values() if not found.virtual]
    assert len(real) >= 12
    for found in profiles().values():
        assert found.size_bytes("flash") > 0
        assert found.size_bytes("ram") > 0
        assert found.clock_hz is None or found.clock_hz.source
        assert found.sources


def test_the_virtual_boards_are_there() -> None:
    expected = {
        "virtual/host": "host",
        "virtual/mps2-an385": "cortex-m3",
        "virtual/mps2-an386": "cortex-m4f",
        "virtual/mps2-an500": "cortex-m7",
        "virtual/mps2-an505": "cortex-m33",
        "virtual/mps3-an547": "cortex-m55",
    }
    virtual = {found.id: found.core for found in profiles().values() if found.virtual}
    assert virtual == expected
    assert all(profiles()[board].port for board in expected)


def test_the_default_ram_is_the_largest() -> None:
    for found in profiles().values():
        ram = [region.size_bytes for region in found.memory if region.kind == "ram"]
        assert ram[0] == max(ram), found.id


def test_facts_of_a_known_board() -> None:
    board = profile("stm32f746g_disco")
    assert (board.core, board.clock_hz.value) == ("cortex-m7", 216e6)
    assert board.size_bytes("flash") == 1 << 20
    assert board.size_bytes("ram") == 320 << 10
    assert "mve" not in board.features
    assert "sensors" in board.unverified


def test_a_recalled_fact_is_marked() -> None:
    assert not profile("nucleo_h743zi2").clock_hz.verified
    assert profile("nucleo_h743zi2").unverified >= {"clock_hz"}


def test_a_virtual_board_may_be_called_by_its_machine() -> None:
    assert profile("mps2-an386").id == "virtual/mps2-an386"


def test_a_user_profile_is_read_from_its_path(tmp_path: Path) -> None:
    board = profile(str(written(tmp_path, GOOD)))
    assert (board.id, board.memory[1].address) == ("mine", 0x2000_0000)


def test_an_unknown_board_names_near_ones() -> None:
    with pytest.raises(ProfileError) as caught:
        profile("stm32f746_disco")
    assert caught.value.where == "stm32f746_disco"
    assert "stm32f746g_disco" in caught.value.hint


@pytest.mark.parametrize("board", ["", "../mps2", "virtual/", "/etc/passwd", "no such thing"])
def test_what_is_no_board_is_refused(board: str) -> None:
    with pytest.raises(ProfileError, match="no such board"):
        profile(board)


@pytest.mark.parametrize(
    ("old", "new", "what", "where"),
    [
        ("cortex-m4f", "cortex-m99", "unknown core 'cortex-m99'", "mine.toml"),
        ("262_144", "0", "not positive", "memory 'sram'"),
        ("262_144", "-4", "not positive", "memory 'sram'"),
        ("262_144", '"256k"', "is str, no int", "memory 'sram'"),
        ("0x20000000", "0x000F0000", "overlap", "mine.toml"),
        ("0x20000000", "0xFFFFFF00", "32-bit", "memory 'sram'"),
        ('"ram"', '"eeprom"', "neither flash nor ram", "memory 'sram'"),
        ('kind = "ram"', 'kind = "flash"', "no ram region", "mine.toml"),
        ("64_000_000", "0", "not positive", "clock_hz"),
        ('mcu = "ABC123"', "", "'mcu' is missing", "mine.toml"),
        ('mcu = "ABC123"', 'mcu = "A"\ncolour = 3', "unknown key 'colour'", "mine.toml"),
        ('mcu = "ABC123"', 'mcu = "A"\nusb_ids = ["0483"]', "no USB id", "usb_ids"),
        ('mcu = "ABC123"', 'mcu = "A"\nunverified = ["taste"]', "no field", "unverified"),
        ('mcu = "ABC123"', 'mcu = "A', "cannot be read", "mine.toml"),
    ],
)
def test_a_bad_profile_says_what_and_where(
    tmp_path: Path, old: str, new: str, what: str, where: str
) -> None:
    assert old in GOOD
    with pytest.raises(ProfileError, match=what) as caught:
        read_profile(written(tmp_path, GOOD.replace(old, new, 1)))
    assert where in caught.value.where


def test_a_missing_profile_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        read_profile(tmp_path / "none.toml")


def test_every_profile_has_a_known_core_and_ids_match_file_names() -> None:
    for board, found in profiles().items():
        assert found.id == board
        assert found.core in CORES


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert profile(str(path)) is profile(str(path))
    path.write_text(GOOD.replace("262_144", "131_072"), "utf-8")
    os.utime(path, ns=(1, 1))  # clocks of file systems are coarse
    assert profile(str(path)).size_bytes("ram") == 131_072
    path.unlink()
    with pytest.raises(ProfileError):
        profile(str(path))
