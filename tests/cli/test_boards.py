"""`boards`: the profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


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
