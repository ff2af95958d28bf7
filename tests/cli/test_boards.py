"""`boards`: the profiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_boards_lists_every_profile_with_its_limits(studio: Callable[..., Any]) -> None:
    ran = studio("boards", "--json")
    assert ran.status == 0
    boards = {board["board"]: board for board in ran.data["boards"]}
    assert boards["virtual/mps2-an386"]["ram_limit_bytes"] == 4 << 20
    assert boards["stm32f746g_disco"]["flash_limit_bytes"] == 1 << 20
    assert boards["stm32f746g_disco"]["unverified"] == ["sensors"]


def test_unverified_facts_carry_a_star(studio: Callable[..., Any]) -> None:
    (line,) = [row for row in studio("boards").out.splitlines() if row.startswith("nucleo_h743")]
    assert "480*" in line


def test_a_name_chooses_boards(studio: Callable[..., Any]) -> None:
    ran = studio("boards", "portenta", "--json")
    assert [board["board"] for board in ran.data["boards"]] == ["portenta_c33", "portenta_h7"]


def test_no_such_board_is_exit_status_1(studio: Callable[..., Any]) -> None:
    assert studio("boards", "nothing like it").status == 1


def test_the_documents_count_the_boards_that_there_are(studio: Callable[..., Any]) -> None:
    real = [board for board in studio("boards", "--json").data["boards"] if not board["virtual"]]
    surveyed = [board for board in real if not board["board"].startswith("survey_")]
    budgets = studio("budget", "digits", "--board", "all", "--json").data
    without = set(budgets["refused"])
    assert without == {board["board"] for board in real if board["core"].startswith("xtensa")}
    said = f"{len(real) - len(without)} of the {len(real)} boards"
    assert said in (ROOT / "README.md").read_text("utf-8")
    guide = (ROOT / "docs" / "guide.md").read_text("utf-8")
    assert f"surveyed, {len(surveyed)} have a profile" in guide
    assert "eight with an" in guide and len(without) == 8
