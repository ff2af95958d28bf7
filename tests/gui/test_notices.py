"""What went wrong stays in view until it is closed, or until the same goes well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.errors import ModelError
from studio.gui.command_palette import open_palette
from studio.gui.main_window import MainWindow
from studio.job import Job, Progress
from studio.project import SUFFIX
from studio.session import Update
from studio.targets.resources import resource

Settled = Callable[[], None]


def errors(window: MainWindow) -> list[str]:
    """The work of which errors are on show."""
    return [one.work for one in window.notices.shown if one.property("kind") == "error"]


@pytest.fixture
def hand(digits: MainWindow, settled: Settled) -> Hand:
    """A person at a window with the digits example."""
    return Hand(digits, settled)


def test_a_file_that_did_not_open_is_forgotten_when_another_one_opens(
    hand: Hand, tmp_path: Path
) -> None:
    junk, good = tmp_path / "junk.onnx", tmp_path / "good.onnx"
    junk.write_bytes(b"not a model")
    shutil.copy(resource("resources/examples/digits/digits.onnx"), good)
    hand.drop(junk)
    assert len(errors(hand.window)) == 1
    hand.keys("F5")  # what goes well meanwhile is something else
    assert len(errors(hand.window)) == 1
    hand.drop(good)
    assert errors(hand.window) == []


def test_what_a_model_cannot_do_is_said_as_long_as_it_is_open(
    window: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    import onnx
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Hardmax", ["x"], ["y"], "odd")], "g", [x], [y])
    onnx.save(helper.make_model(graph), tmp_path / "hardmax.onnx")
    hand = Hand(window, settled)
    hand.drop(tmp_path / "hardmax.onnx")
    assert len(errors(window)) == 1
    window.open("example:digits")
    settled()
    assert errors(window) == []


def test_a_project_that_could_not_be_saved_is_saved_elsewhere(hand: Hand, tmp_path: Path) -> None:
    first = tmp_path / f"first{SUFFIX}"
    hand.answer(first)
    hand.keys("Ctrl+S")
    first.unlink()
    first.mkdir()
    hand.keys("Ctrl+S")
    assert errors(hand.window) == ["Save"]
    hand.answer(tmp_path / f"mine{SUFFIX}")
    hand.keys("Ctrl+Shift+S")
    assert errors(hand.window) == []


def test_text_that_is_no_recipe_is_forgotten_when_steps_are_pasted(hand: Hand) -> None:
    hand.click_card("int8")
    QGuiApplication.clipboard().setText("nonsense")
    hand.keys("Ctrl+V")
    assert len(errors(hand.window)) == 1
    hand.keys("Ctrl+C")
    hand.keys("Ctrl+V")
    assert errors(hand.window) == []


def test_live_without_a_board_is_forgotten_when_one_answers(hand: Hand, qtbot: QtBot) -> None:
    window = hand.window
    hand.keys("F8")
    assert errors(window) == ["Live"]
    window.session.choose_board("virtual/host")
    hand.keys("F7")
    assert errors(window) == ["Live"]
    hand.settled = lambda: None
    hand.keys("F8")
    qtbot.waitUntil(lambda: errors(window) == [], timeout=20_000)
    hand.keys("Ctrl+.")


def test_figures_that_cannot_be_computed_are_forgotten_with_the_next_ones(
    digits: MainWindow, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Job[Update]:
        yield Progress("about to fail")
        raise ModelError("cannot be computed")

    with monkeypatch.context() as patched:
        patched.setattr(digits.upkeep.budgets, "_job", refuse)
        digits.session.mute("int8")
        settled()
        assert errors(digits) == ["Computing budgets"]
    digits.session.mute("int8")
    settled()
    assert errors(digits) == []


def test_the_palette_shows_the_keys_that_the_user_chose(digits: MainWindow) -> None:
    digits.actions_.by_id["tidy"].setShortcut("Ctrl+J")
    palette = open_palette(digits)
    entry = next(one for one in palette._entries if one.text == "Tidy cards")
    assert entry.detail == "Ctrl+J"
    palette.close()
    assert QApplication.activePopupWidget() is None
