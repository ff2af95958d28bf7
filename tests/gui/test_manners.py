"""Keys, names, notices, tour: what makes the window pleasant and usable by everybody."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from studio.errors import ModelError
from studio.gui.actions import COMMANDS
from studio.gui.main_window import MainWindow
from studio.gui.tour import Tour
from studio.project import ROOT
from studio.session import Session

Settled = Callable[[], None]
NONE = Qt.KeyboardModifier.NoModifier
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def test_a_shortcut_is_changed_kept_and_taken_from_another_command(
    digits: MainWindow, qtbot: QtBot
) -> None:
    dialog = digits.change_shortcuts()
    assert digits.actions_.by_id["tidy"].shortcut() == QKeySequence("Ctrl+L")
    dialog.choose("tidy")
    dialog.keys.setKeySequence(QKeySequence("F5"))
    dialog.keys.editingFinished.emit()
    assert digits.actions_.by_id["tidy"].shortcut() == QKeySequence("F5")
    assert digits.actions_.by_id["run"].shortcut().isEmpty()
    assert "Run" in dialog.told.text()
    again = MainWindow(Session(), digits.settings, digits._kept._folder)
    qtbot.addWidget(again)
    assert again.actions_.by_id["tidy"].shortcut() == QKeySequence("F5")
    dialog._reset()
    assert digits.actions_.by_id["run"].shortcut() == QKeySequence("F5")
    assert digits.actions_.by_id["tidy"].shortcut() == QKeySequence("Ctrl+L")
    dialog.close()


def test_no_two_commands_have_the_same_keys() -> None:
    keys = [command.shortcut for command in COMMANDS.values() if command.shortcut]
    assert len(keys) == len(set(keys))


def test_the_tour_opens_the_example_and_ends_after_four_steps(
    window: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    tour = window.tour()
    assert not window.toured
    for _ in range(4):
        assert tour._card.isVisible()
        assert window.rect().contains(tour._card.geometry())
        assert not tour._card.geometry().intersects(tour._hole())
        qtbot.keyClick(tour, Qt.Key.Key_Return)
        settled()
    assert window.session.state.project.model == "example:motion"
    assert window.toured


def test_esc_ends_the_tour_and_it_is_not_shown_again(window: MainWindow, qtbot: QtBot) -> None:
    tour = window.tour()
    qtbot.keyClick(tour, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(Tour))
    assert window.toured


def test_a_notice_is_copied_with_its_details(window: MainWindow, qtbot: QtBot) -> None:
    window.notices.error(ModelError("is broken", "a.onnx", "export it again"), "ModelError")
    [notice] = window.notices.shown
    buttons = {button.text(): button for button in notice.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["Copy"], Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().splitlines() == [
        "Is broken", "a.onnx", "export it again", "ModelError",
    ]  # fmt: skip


def test_what_was_opened_is_listed_as_recent(digits: MainWindow, settled: Settled) -> None:
    digits.open("example:digits")
    settled()
    assert isinstance(digits.settings, QSettings)
    assert digits.recent()[0] == "example:digits"
    assert digits.session.state.selected != ROOT
