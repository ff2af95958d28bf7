"""Profiles written and read back; boards as people type them in."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import ProfileError
from studio.targets.described import Described, Row
from studio.targets.library import from_table, holds_board, profiles, read_profile
from studio.targets.profile import CORES, Fact, Profile, Region
from studio.targets.writer import profile_text, write_profile

MOST = 1 << 32
shown = st.text(max_size=20).filter(str.isprintable)
words = st.lists(shown, max_size=3).map(tuple)
names = st.text(min_size=1, max_size=40).filter(lambda t: t.isprintable() and bool(t.strip()))
sources = st.text(max_size=60)
GOOD = Described(
    "My board", "My part", "cortex-m4f", "84",
    (Row("flash", "flash", "0x08000000", "512K"), Row("ram", "ram", "536870912", "0x18000")),
)  # fmt: skip


@st.composite
def regions(draw: st.DrawFn) -> tuple[Region, ...]:
    """Regions that follow each other with gaps, flash and RAM among them."""
    count = draw(st.integers(2, 5))
    cuts = sorted(draw(st.lists(st.integers(0, MOST), min_size=2 * count, max_size=2 * count,
                                unique=True)))  # fmt: skip
    kinds = ["flash", "ram", *draw(st.lists(st.sampled_from(["flash", "ram"]), min_size=3,
                                            max_size=3))][:count]  # fmt: skip
    called = draw(st.lists(shown, min_size=count, max_size=count, unique=True))
    return tuple(
        Region(called[i], kinds[i], cuts[2 * i], cuts[2 * i + 1] - cuts[2 * i], draw(st.booleans()))
        for i in range(count)
    )


def facts(numbers: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | st.builds(Fact, numbers, sources, st.booleans())


amounts = st.floats(0, 1e11, exclude_min=True)
boards = st.builds(
    Profile, st.just("mine"), names, names, st.sampled_from(sorted(CORES)), regions(),
    facts(st.integers(1, 10**11)), st.sampled_from(["", "mps2"]),
    st.from_regex("[a-z0-9-]{0,9}", fullmatch=True),
    words,
    st.lists(st.from_regex("[0-9a-f]{4}:[0-9a-f]{4}", fullmatch=True), max_size=2).map(tuple),
    words, facts(amounts), facts(amounts), sources,
    st.frozensets(st.sampled_from(["memory", "core", "sensors", "clock_hz"])),
)  # fmt: skip


@given(boards)
def test_what_is_written_is_read_back(board: Profile) -> None:
    assert from_table(tomllib.loads(profile_text(board)), "mine", "mine.toml") == board


def test_every_profile_that_comes_along_survives_a_file(tmp_path: Path) -> None:
    for board in profiles().values():
        write_profile(board, tmp_path / "mine.toml")
        assert read_profile(tmp_path / "mine.toml") == replace(board, id="mine")
    assert "address = 0x" in (tmp_path / "mine.toml").read_text()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be written"):
        write_profile(profiles()["rpi_pico"], tmp_path / "none" / "mine.toml")


def test_a_described_board_is_a_profile() -> None:
    board = GOOD.profile("mine")
    assert not GOOD.problems()
    assert (board.name, board.core, board.clock_hz) == (
        "My board", "cortex-m4f", Fact(84_000_000, "described by hand"),
    )  # fmt: skip
    assert board.memory == (
        Region("flash", "flash", 0x0800_0000, 1 << 19), Region("ram", "ram", 0x2000_0000, 0x18000),
    )  # fmt: skip
    assert replace(GOOD, clock_mhz=" ").profile("mine").clock_hz is None


@pytest.mark.parametrize(
    ("change", "field", "what"),
    [
        ({"name": " "}, "name", "its name is empty"),
        ({"name": "a\nb"}, "name", "is no name"),
        ({"mcu": "x" * 300}, "mcu", "too long"),
        ({"core": "z80"}, "core", "unknown core 'z80'"),
        ({"clock_mhz": "fast"}, "clock", "'fast' is no number"),
        ({"clock_mhz": "inf"}, "clock", "is no number"),
        ({"clock_mhz": "-1"}, "clock", "not positive"),
        ({"memory": GOOD.memory[:1]}, "memory", "no ram region"),
        ({"memory": ()}, "memory", "no flash region"),
        ({"memory": (*GOOD.memory, Row("ram", "ram", "0", "1"))}, "memory", "are called 'ram'"),
        ({"memory": (*GOOD.memory, Row("r2", "ram", "0x20000004", "8"))}, "memory", "overlap"),
        ({"memory": (*GOOD.memory, Row("r2", "ram", "0", ""))}, "memory 2", "its size is empty"),
        ({"memory": (*GOOD.memory, Row("r2", "ram", "zero", "1"))}, "memory 2", "'zero' is no"),
        ({"memory": (*GOOD.memory, Row("r2", "ram", "0", "0"))}, "memory 2", "not positive"),
        ({"memory": (*GOOD.memory, Row("", "ram", "0", "1"))}, "memory 2", "has no name"),
        ({"memory": (*GOOD.memory, Row("r2", "ram", "0xffffffff", "2"))}, "memory 2", "32-bit"),
        ({"memory": (*GOOD.memory, Row("r2", "rom", "0", "2"))}, "memory 2", "neither flash"),
    ],
)
def test_problems_stand_at_their_fields(change: dict, field: str, what: str) -> None:
    board = replace(GOOD, **change)
    [(at, error)] = board.problems().items()
    assert at == field and what in error.what and error.hint
    with pytest.raises(ProfileError):
        board.profile("mine")


@given(st.builds(Described, *[st.text(max_size=8)] * 4, st.lists(
    st.builds(Row, *[st.text(max_size=8)] * 4), max_size=3).map(tuple)))  # fmt: skip
def test_problems_are_those_that_the_reader_has(board: Described) -> None:
    try:
        board.profile("mine")
    except ProfileError:
        assert board.problems()
    else:
        assert not board.problems()


@pytest.mark.parametrize(
    ("name", "text", "held"),
    [
        ("a.pdsc", "", True),
        ("a.toml", "core = 'z80'", True),
        ("a.toml", "broken =", True),
        ("a.toml", "files = ['a.csv']", False),
        ("a.json", '{"build": {}, "upload": {}}', True),
        ("a.json", '{"payload": {"values": []}}', False),
        ("a.json", "[1]", False),
        ("a.json", "{", False),
        ("a.csv", "core", False),
    ],
)
def test_board_files_are_told_from_data(tmp_path: Path, name: str, text: str, held: bool) -> None:
    (tmp_path / name).write_text(text)
    assert holds_board(tmp_path / name) is held


def test_a_current_may_be_a_whole_number() -> None:
    table = tomllib.loads(profile_text(GOOD.profile("mine")))
    table["active_ma"] = {"value": 8, "source": "its schematic"}
    assert from_table(table, "mine", "mine.toml").active_ma == Fact(8, "its schematic")
