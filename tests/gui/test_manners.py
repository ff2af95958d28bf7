"""Keys, names, notices, tour: what makes the window pleasant and usable by everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
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
INTERACTIVE = {
    QAccessible.Role.PushButton, QAccessible.Role.Button, QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton, QAccessible.Role.ComboBox, QAccessible.Role.EditableText,
    QAccessible.Role.SpinBox, QAccessible.Role.Slider, QAccessible.Role.PageTab,
    QAccessible.Role.MenuItem, QAccessible.Role.List, QAccessible.Role.Tree,
    QAccessible.Role.Table, QAccessible.Role.ButtonMenu, QAccessible.Role.Link,
}  # fmt: skip


def tree(node: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """A node of the accessibility tree and everything below it."""
    yield node
    for index in range(node.childCount()):
        child = node.child(index)
        if child is not None and child.isValid():
            yield from tree(child)


def unnamed(window: MainWindow) -> list[str]:
    root = QAccessible.queryAccessibleInterface(window)
    found = []
    nodes = list(tree(root))
    assert len(nodes) > 100
    for node in nodes:
        state = node.state()
        hidden = getattr(state, "invisible", False)
        if node.role() in INTERACTIVE and not hidden and not node.text(QAccessible.Text.Name):
            widget = node.object()
            if widget is not None and not widget.objectName().startswith("qt_"):
                found.append(f"{node.role().name} {type(widget).__name__} {widget.parent()}")
    return found


@pytest.mark.parametrize("panel", range(13))
def test_nothing_in_the_accessibility_tree_is_unnamed(digits: MainWindow, panel: int) -> None:
    digits.session.select("int8")
    digits.parts.docks.bring(list(digits.parts.docks)[panel].place.panel)
    QApplication.processEvents()
    assert not unnamed(digits)


def test_the_accessibility_tree_of_the_popups_is_named_too(digits: MainWindow) -> None:
    for popup in (digits.open_palette(), digits.budget.open_chooser(), digits.change_shortcuts()):
        root = QAccessible.queryAccessibleInterface(popup)
        for node in tree(root):
            if node.role() in INTERACTIVE and node.object() is not None:
                name = node.text(QAccessible.Text.Name)
                assert name or node.object().objectName().startswith("qt_"), node.object()
        popup.close()


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


def test_keys_alone_open_compress_run_generate_and_flash(
    window: MainWindow, qtbot: QtBot, settled: Settled, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        qtbot.keyClick(window, key, modifiers)
        settled()

    def command(letters: str) -> None:
        press(Qt.Key.Key_P, CTRL_SHIFT)
        palette = QApplication.activePopupWidget()
        assert palette is not None
        QTest.keyClicks(palette.field, letters)
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
        settled()

    command("open example: digits")
    assert window.session.state.project.name == "digits"
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_Left)
    assert window.session.state.selected == "fold"
    command("add step: quantise to int8")
    assert len(window.session.state.project.recipe.variants) == 2
    window.session.choose_board("virtual/host")
    settled()
    press(Qt.Key.Key_F5)
    assert window.session.state.result("quantize_int8") is not None
    folder = tmp_path / "c"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    press(Qt.Key.Key_F6)
    assert (folder / "digits.c").is_file()
    press(Qt.Key.Key_F7)
    assert window.session.state.deployed


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
