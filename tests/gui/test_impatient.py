"""Somebody who does not wait: keys and clicks that come when nothing is ready for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from window_hand import Hand

from studio.gui.main_window import MainWindow
from studio.project import ROOT
from studio.targets.resources import resource

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def hand(digits: MainWindow, settled: Settled) -> Hand:
    """A person at a window with the digits example."""
    return Hand(digits, settled)


@pytest.mark.parametrize("keys", ["Ctrl+D", "F2", "Alt+Up", "Alt+Down", "Alt+Right", "M", "Del"])
def test_with_all_cards_marked_and_the_model_selected_keys_do_what_they_can(
    hand: Hand, keys: str
) -> None:
    window = hand.window
    hand.click_card(ROOT)
    hand.keys("Ctrl+A")
    before = len(window.session.state.project.recipe.nodes)
    hand.keys(keys)
    recipe = window.session.state.project.recipe
    assert len(recipe.nodes) == (0 if keys == "Del" else before)
    assert all(node.muted for node in recipe.nodes) == (keys in ("M", "Del"))


def test_marking_and_unmarking_cards_brings_commands_up_to_date(hand: Hand) -> None:
    window, canvas = hand.window, hand.window.canvas
    hand.click_card(ROOT)
    delete = window.actions_.by_id["delete_step"]
    assert not delete.isEnabled()
    canvas.mark((ROOT, "int8"))
    assert delete.isEnabled()
    canvas.mark(())
    assert not delete.isEnabled()
    delete.setEnabled(True)  # as a menu that was open for long
    delete.trigger()
    assert set(window.session.state.project.recipe.by_id) == {"fold", "int8"}


def test_a_layer_that_is_picked_goes_with_its_program(hand: Hand) -> None:
    window = hand.window
    layers = window.parts.layer_list
    last = layers.topLevelItem(layers.topLevelItemCount() - 1)
    hand.click(layers.viewport(), layers.visualItemRect(last).center())
    calls = layers.topLevelItemCount()
    hand.click_card(ROOT)
    hand.click_card("int8")
    window.open("example:motion")
    hand.settled()
    assert 0 < layers.topLevelItemCount() < calls


def test_a_double_click_opens_an_example_once(window: MainWindow, settled: Settled) -> None:
    buttons = window.parts.welcome.findChildren(QAbstractButton)
    digits = next(one for one in buttons if one.accessibleName() == "Digits example")
    QTest.mouseClick(digits, LEFT)
    QTest.mouseClick(digits, LEFT)
    settled()
    assert window.notices.shown == ()
    assert set(window.canvas.cards) == {ROOT, "fold", "int8"}


@pytest.mark.parametrize("how", ["dropped", "chosen"])
def test_a_folder_of_pictures_is_data_for_the_model(hand: Hand, tmp_path: Path, how: str) -> None:
    image = pytest.importorskip("PIL.Image")
    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            path = tmp_path / "pictures" / name / f"{number}.png"
            image.new("L", (8, 8), 60 * number).save(path)
    if how == "dropped":
        hand.drop(tmp_path / "pictures")
    else:
        hand.answer(tmp_path / "pictures")
        hand.window.actions_.by_id["open_data_folder"].trigger()
        hand.settled()
    assert hand.window.notices.shown == ()
    assert hand.window.session.state.dataset.labels == ("a", "b")


def test_of_several_files_the_first_one_is_opened_and_that_is_said(
    window: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    data = QMimeData()
    good = str(resource("resources/examples/digits/digits.onnx"))
    data.setUrls([QUrl.fromLocalFile(name) for name in (good, str(tmp_path / "other.npz"))])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)
    settled()
    assert window.session.state.project.name == "digits"
    assert "digits.onnx" in window.notices.shown[0].text


def test_undo_in_the_middle_of_a_drag_and_of_a_name(hand: Hand) -> None:
    window, canvas = hand.window, hand.window.canvas
    first = window.session.state.project
    [made] = window.session.duplicate("int8")
    hand.settled()
    at = canvas.mapFromScene(canvas.cards[made].frame.center())
    QTest.mousePress(canvas.viewport(), LEFT, pos=at)
    QTest.mouseMove(canvas.viewport(), at + QPoint(30, 30))
    window.actions_.by_id["undo"].trigger()
    QTest.mouseMove(canvas.viewport(), at + QPoint(60, 60))
    QTest.mouseRelease(canvas.viewport(), LEFT, pos=at + QPoint(60, 60))
    hand.settled()
    assert window.session.state.project == first
    [made] = window.session.duplicate("int8")
    field = window.menus.name()
    window.actions_.by_id["undo"].trigger()
    QTest.keyClicks(field.field, "gone")
    QTest.keyClick(field.field, Qt.Key.Key_Return)
    assert window.session.state.project == first


def test_hundreds_of_edits_and_undos_while_it_runs(hand: Hand, settled: Settled) -> None:
    window = hand.window
    hand.settled = lambda: None
    hand.keys("F5")
    first = window.session.state.project
    hand.click_card("int8")
    for _ in range(100):
        hand.keys("M")
    for _ in range(100):
        hand.keys("Ctrl+Z")
    settled()
    assert window.session.state.project == first
    assert window.notices.shown == ()


def test_closed_while_it_flashes_nothing_runs_on(hand: Hand) -> None:
    window = hand.window
    window.session.choose_board("virtual/host")
    hand.keys("F7")
    running = window.session.state.deployment.running
    hand.settled = lambda: None
    hand.keys("F7")
    QTest.qWait(200)
    hand.keys("Ctrl+Q")
    assert not running.alive
    assert window.isHidden()
