"""What would make a model fit stands in the budget, a click away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.gui.main_window import MainWindow
from studio.project import ROOT
from studio.session import Session, State

Settled = Callable[[], None]
SMALL = "survey_cortex_m0plus_8k"


@pytest.fixture
def over(digits: MainWindow, settled: Settled) -> MainWindow:
    """The float model, which a board of 8 kB of RAM and 16 kB of flash does not hold."""
    digits.session.select(ROOT)
    digits.session.choose_board(SMALL)
    settled()
    return digits


def lines(window: MainWindow) -> list[str]:
    return [button.text() for button in window.budget.advice.buttons]


def test_a_model_that_fits_needs_no_advice(digits: MainWindow) -> None:
    assert not digits.budget.advice.isVisible()


def test_changes_are_named_with_what_they_leave(over: MainWindow) -> None:
    advice = over.budget.advice
    assert advice.isVisible()
    names = {button.text(): button.accessibleName() for button in advice.buttons}
    assert "Quantise to int8 and plan small" in names
    assert "kB over" in names["Quantise to int8 and plan small"]
    board = next(name for name in names if name.startswith("Adafruit"))
    assert names[board].endswith(": fits")


def test_a_click_makes_the_change_and_one_undo_takes_it_back(
    over: MainWindow, settled: Settled
) -> None:
    before = over.session.state.project
    button = over.budget.advice.buttons[lines(over).index("Quantise to int8 and plan small")]
    Hand(over, settled).click(button)
    state = over.session.state
    assert state.project.plan == "small"
    assert state.project.recipe.by_id[state.selected].step == "quantize_int8"
    assert state.project.recipe.by_id[state.selected].parent is None
    over.session.undo()
    settled()
    assert over.session.state.project is before


def test_another_board_is_taken_and_then_it_fits(over: MainWindow, settled: Settled) -> None:
    button = next(b for b in over.budget.advice.buttons if b.text().startswith("Adafruit"))
    Hand(over, settled).click(button)
    assert over.session.state.project.board == "feather_m0"
    assert over.session.state.over is None
    assert not over.budget.advice.isVisible()


def test_a_double_click_makes_a_change_once(over: MainWindow, settled: Settled) -> None:
    nodes = len(over.session.state.project.recipe.nodes)
    button = over.budget.advice.buttons[lines(over).index("Quantise to int8")]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(button, Qt.MouseButton.LeftButton)
    settled()
    assert len(over.session.state.project.recipe.nodes) == nodes + 1


def test_weights_in_ram_that_do_not_fit_go_back_to_flash(
    settled: Settled, digits: MainWindow
) -> None:
    digits.session.choose(weights="ram")
    digits.session.choose_board(SMALL)
    settled()
    assert "Weights in flash" in lines(digits)


def test_advice_that_nobody_sees_is_not_sought(
    digits: MainWindow, settled: Settled, qtbot: QtBot
) -> None:
    [budget] = [one for one in digits.parts.docks if one.place.title == "Budget"]
    budget.close()
    digits.session.choose_board(SMALL)
    digits.session.select(ROOT)
    settled()
    assert digits.session.state.over is not None and digits.session.state.advice is None
    with qtbot.waitSignal(digits.parts.docks.changed):
        budget.show()
    settled()
    assert digits.session.state.current_advice is not None


def test_advice_for_another_node_is_not_taken(digits_session: Session) -> None:
    """It was sought for what is selected no more."""
    session = digits_session
    session.select(ROOT)
    session.choose_board(SMALL)
    session.finish(session.analyse())
    job = session.advise()
    session.select("int8")
    session.finish(job)
    assert session.state.advice is not None
    assert session.state.current_advice is None


@pytest.fixture
def digits_session(digits_state: State) -> Session:
    made = Session()
    made.take(lambda _: digits_state)
    return made
