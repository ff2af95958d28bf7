"""The user's own application and boards in a session, against the command line's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.errors import BuildError, DeviceNeeded, ProfileError, ProjectError
from studio.session import Session

MAP = """.text           0x08000000     0x1000
.rodata         0x08001000      0x400
.data           0x20000000       0x40
.bss            0x20000040      0x800
"""
BOARD = """name = "My board"
mcu = "My part"
core = "cortex-m4f"
clock_hz = { value = 100_000_000, source = "its schematic" }
memory = [
    { name = "flash", kind = "flash", address = 0x08000000, size_bytes = 65_536 },
    { name = "ram", kind = "ram", address = 0x20000000, size_bytes = 16_384 },
]
"""
SELECTED = "virtual/mps2-an386"


@pytest.fixture(scope="module")
def opened() -> Session:
    session = Session()
    session.finish(session.open("example:digits"))
    session.select("")
    return session


@pytest.fixture
def session(opened: Session) -> Session:
    made = Session()
    state = opened.state
    made.take(lambda _: state)
    return made


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    path = tmp_path / "app.map"
    path.write_text(MAP)
    return path


def reserves(session: Session) -> set[tuple[int, int]]:
    session.finish(session.analyse())
    budgets = session.state.view.budgets.values()
    return {(one.reserve.flash_bytes, one.reserve.ram_bytes) for one in budgets}


def test_a_file_and_numbers_count_in_every_budget_and_can_be_undone(
    session: Session, linked: Path
) -> None:
    assert reserves(session) == {(0, 0)}
    session.finish(session.open_application(str(linked)))
    assert reserves(session) == {(0x1440, 0x840)}
    session.finish(session.open_application(str(linked), 1000, 24))
    assert reserves(session) == {(0x1440 + 1000, 0x840 + 24)}
    session.undo()
    assert reserves(session) == {(0x1440, 0x840)}
    session.finish(session.open_application())
    assert reserves(session) == {(0, 0)}


def test_a_file_that_changed_is_read_again(session: Session, linked: Path) -> None:
    session.finish(session.open_application(str(linked)))
    reserves(session)
    linked.write_text(MAP.replace("0x1000\n", "0x3000\n"))
    assert reserves(session) == {(0x3440, 0x840)}
    linked.unlink()
    session.finish(session.analyse())
    assert not session.state.view.budgets
    assert all("cannot be read" in error.what for error in session.state.view.refused.values())


def test_what_is_no_firmware_changes_nothing(session: Session, tmp_path: Path) -> None:
    (tmp_path / "notes.map").write_text("nothing")
    before = session.state
    with pytest.raises(BuildError, match="neither an ELF file nor a linker map"):
        session.finish(session.open_application(str(tmp_path / "notes.map")))
    with pytest.raises(ProjectError, match="no size"):
        session.finish(session.open_application("", -1, 0))
    assert session.state is before


def test_an_application_makes_a_board_too_small(session: Session) -> None:
    session.finish(session.analyse())
    before = session.state.view.budgets["bluepill_f103c8"]
    free = before.profile.size_bytes("flash") - int(before.flash_bytes.value)
    session.finish(session.open_application("", max(free, 0) + 1))
    session.finish(session.analyse())
    over = session.state.view.budgets["bluepill_f103c8"].over_flash_bytes
    assert over == before.over_flash_bytes + 1


def test_the_command_line_gives_the_same_budget(
    session: Session, linked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "mine.toml"
    board.write_text(BOARD)
    session.finish(session.open_board(str(board)))
    session.finish(session.open_application(str(linked), 512, 60_000))
    session.finish(session.analyse())
    mine = session.state.view.budgets[str(board)]
    main(
        ["budget", "digits", "--board", str(board), "--application", str(linked), "--json",
         "--reserve-flash", "512", "--reserve-ram", "60000"]
    )  # fmt: skip
    [theirs] = json.loads(capsys.readouterr().out)["budgets"]
    assert theirs["reserve_bytes"] == {"flash_bytes": 0x1440 + 512, "ram_bytes": 0x840 + 60_000}
    assert mine.reserve.ram_bytes == theirs["reserve_bytes"]["ram_bytes"]
    assert mine.over_ram_bytes == theirs["over_ram_bytes"] > 0
    assert mine.over_flash_bytes == theirs["over_flash_bytes"]
    assert mine.flash_bytes.value == theirs["flash_bytes"]["value"]


def test_the_code_for_a_board_of_ones_own_is_current(session: Session, tmp_path: Path) -> None:
    board = tmp_path / "mine.toml"
    board.write_text(BOARD)
    session.choose_board(str(board))
    session.finish(session.analyse())
    session.finish(session.code())
    assert session.state.current_code


def test_a_file_that_is_no_board_changes_nothing(session: Session, tmp_path: Path) -> None:
    pack = tmp_path / "vendor.pdsc"
    devices = "<device Dname='F401'/><device Dname='F411'/>"
    pack.write_text(f"<package><family>{devices}</family></package>")
    before = session.state
    with pytest.raises(DeviceNeeded, match="say which device") as asked:
        session.finish(session.open_board(str(pack)))
    assert asked.value.devices == ("F401", "F411")
    with pytest.raises(ProfileError, match="no such device"):
        session.finish(session.open_board(f"{pack}#F4"))
    with pytest.raises(ProfileError, match="is no board file"):
        session.finish(session.open_board(str(tmp_path / "notes.txt")))
    assert session.state is before


def test_a_saved_project_has_the_application_again(
    session: Session, linked: Path, tmp_path: Path
) -> None:
    session.finish(session.open_application(str(linked), 5, 6))
    file = session.save(tmp_path / "mine.tinyml")
    assert 'file = "app.map"' in file.read_text()
    again = Session()
    again.finish(again.open(str(file)))
    assert again.state.project == session.state.project
    assert reserves(again) == {(0x1440 + 5, 0x840 + 6)}


BANKS = BOARD.replace(
    '{ name = "ram", kind = "ram", address = 0x20000000, size_bytes = 16_384 },',
    """{ name = "near", kind = "ram", address = 0x20000000, size_bytes = 24_576 },
    { name = "far", kind = "ram", address = 0x30000000, size_bytes = 12_288 },""",
)


def test_the_code_lies_where_the_budget_says_that_the_application_leaves_room(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "mine.toml"
    board.write_text(BANKS)
    session.choose_board(str(board))
    for ram_bytes, pieces in ((0, 1), (5_000, 1), (9_000, 2)):
        session.finish(session.open_application("", 0, ram_bytes))
        session.finish(session.analyse())
        assert not session.state.current_code
        budget = session.state.view.budgets[str(board)]
        session.finish(session.code())
        files = dict(session.state.current_code)
        assert budget.fits and len(budget.banks.arenas) == pieces
        split = any(b"void *second, size_t second_bytes" in file for file in files.values())
        assert split is (pieces == 2)
        main(
            ["generate", "digits", "--board", str(board), "--reserve-ram", str(ram_bytes),
             "-o", str(tmp_path / f"{ram_bytes}"), "--json"]
        )  # fmt: skip
        banks = json.loads(capsys.readouterr().out)["banks"]
        assert [bank["name"] for bank in banks] == [bank.name for bank in budget.banks.arenas]
        for name, content in files.items():
            assert (tmp_path / f"{ram_bytes}" / name).read_bytes() == content


def test_a_board_is_the_same_by_whatever_way_it_is_named(session: Session, tmp_path: Path) -> None:
    board = tmp_path / "C#" / "mine.toml"
    board.parent.mkdir()
    board.write_text(BOARD)
    session.finish(session.open_board(str(board)))
    session.finish(session.open_board(str(tmp_path / "C#" / "." / ".." / "C#" / "mine.toml")))
    assert session.state.project.boards.count(str(board)) == 1
    file = session.save(tmp_path / "mine.tinyml")
    text = file.read_text()
    assert '"C#/mine.toml"' in text
    names = '"./C#/mine.toml",\n    "C#/../C#/mine.toml",\n    "C#/mine.toml",'
    file.write_text(text.replace('"C#/mine.toml",', names))
    again = Session()
    again.finish(again.open(str(file)))
    assert again.state.project == session.state.project


def test_a_project_moves_with_its_boards_and_application(
    session: Session, linked: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "mine.toml").write_text(BOARD)
    linked = linked.rename(here / "app.map")
    session.finish(session.open_board(str(here / "mine.toml")))
    session.finish(session.open_application(str(linked)))
    session.save(here / "p.tinyml")
    here.rename(there)
    again = Session()
    again.finish(again.open(str(there / "p.tinyml")))
    assert again.state.project.board == str(there / "mine.toml")
    assert reserves(again) == {(0x1440, 0x840)} and not again.state.view.refused
    elsewhere = again.save(tmp_path / "p.tinyml")
    assert 'file = "there/app.map"' in elsewhere.read_text()


def test_what_was_cancelled_while_a_file_was_read_is_not_chosen(
    session: Session, linked: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(BOARD)
    before = session.state
    for job in (
        session.open_board(str(tmp_path / "mine.toml")), session.open_application(str(linked)),
    ):  # fmt: skip
        next(job)
        next(job)  # cancelled meanwhile, it is not asked again
        job.close()
    assert session.state is before


def test_the_command_line_says_what_stands_beside_the_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["budget", "digits", "--board", "rpi_pico"]
    main(words)
    assert "beside them" not in capsys.readouterr().out
    main([*words, "--reserve-flash", "1000", "--reserve-ram", "20"])
    assert "beside them an application of 1\u202f000 bytes of flash and 20 of RAM" in (
        capsys.readouterr().out.replace("\u00a0", "\u202f").replace(" 000", "\u202f000")
    )
