"""The tree does what the canvas can: cards are moved by the mouse and by keys."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.canvas.view import STEP_MIME
from studio.gui.main_window import MainWindow
from studio.gui.panels.outline import OutlinePanel
from studio.project import ROOT, to_text

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
COPY = Qt.DropAction.CopyAction


def parents(window: MainWindow) -> dict[str, str | None]:
    return {node.id: node.parent for node in window.session.state.project.recipe.nodes}


def drop(tree: OutlinePanel, data: QMimeData, node: str) -> None:
    at = tree.rect_of(node).center()
    target = tree.viewport()
    QApplication.sendEvent(target, QDragEnterEvent(at, COPY, data, LEFT, NONE))
    QApplication.sendEvent(target, QDragMoveEvent(at, COPY, data, LEFT, NONE))
    QApplication.sendEvent(target, QDropEvent(QPointF(at), COPY, data, LEFT, NONE))


def test_a_row_dropped_on_another_one_stands_below_it(digits: MainWindow, qtbot: QtBot) -> None:
    before = to_text(digits.session.state.project, Path("/"))
    digits.show_tree(True)
    tree = digits.outline
    item = tree._items["int8"]
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(item).center())
    drop(tree, tree.mimeData([item]), ROOT)
    assert parents(digits) == {"fold": None, "int8": None}
    assert digits.session.state.selected == "int8"
    digits.actions_.by_id["undo"].trigger()
    assert to_text(digits.session.state.project, Path("/")) == before


def test_a_row_is_not_dropped_below_itself(digits: MainWindow, qtbot: QtBot) -> None:
    digits.show_tree(True)
    tree = digits.outline
    tree.setCurrentItem(tree._items["fold"])
    before = digits.session.state.project
    drop(tree, tree.mimeData([tree._items["fold"]]), "int8")
    assert digits.session.state.project is before
    assert "below itself" in digits.notices.shown[-1].text


def test_a_step_of_the_palette_is_dropped_on_a_row(digits: MainWindow) -> None:
    digits.show_tree(True)
    data = QMimeData()
    data.setData(STEP_MIME, b"quantize_int16")
    drop(digits.outline, data, "fold")
    assert parents(digits)["quantize_int16"] == "fold"


def test_steps_change_places_by_keys(digits: MainWindow, qtbot: QtBot) -> None:
    digits.session.select("int8")
    assert not digits.actions_.by_id["move_later"].isEnabled()
    digits.actions_.by_id["move_earlier"].trigger()
    assert parents(digits) == {"int8": None, "fold": "int8"}
    assert digits.session.state.selected == "int8"
    digits.actions_.by_id["move_later"].trigger()
    assert parents(digits) == {"fold": None, "int8": "fold"}
    assert digits.session.state.selected == "int8"


def test_a_branch_is_moved_below_a_card_that_is_chosen(digits: MainWindow, qtbot: QtBot) -> None:
    digits.session.add_step("canonicalise", ROOT)
    digits.session.select("int8")
    menu = digits.menus.places()
    texts = {action.text(): action for action in menu.actions()}
    target = next(action for text, action in texts.items() if "Canonicalise" in text)
    target.trigger()
    assert parents(digits)["int8"] == "canonicalise"
    menu.close()
