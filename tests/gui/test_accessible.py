"""Whoever does not see the window: what can be used has a name and is reached by keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from window_hand import MOST_TABS, Hand, Key

from studio.errors import AgreementNeeded, DeviceNeeded, ModelError, ShapesNeeded
from studio.gui.command_palette import open_palette
from studio.gui.main_window import MainWindow
from studio.gui.notices import CrashDialog
from studio.gui.questions import question_for

Settled = Callable[[], None]
Role = QAccessible.Role
INTERACTIVE = {
    Role.PushButton, Role.Button, Role.CheckBox, Role.RadioButton, Role.ComboBox,
    Role.EditableText, Role.SpinBox, Role.Slider, Role.PageTab, Role.PageTabList, Role.MenuItem,
    Role.List, Role.Tree, Role.Table, Role.ButtonMenu, Role.ButtonDropDown,
    Role.Link, Role.Dial, Role.HotkeyField, Role.ColumnHeader,
}  # fmt: skip


def nodes(node: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """A node of the accessibility tree and everything below it."""
    yield node
    for index in range(node.childCount()):
        child = node.child(index)
        if child is not None and child.isValid():
            yield from nodes(child)


def unnamed(widget: QWidget) -> list[str]:
    """What can be used, is shown, and has no name."""
    found = []
    for node in nodes(QAccessible.queryAccessibleInterface(widget)):
        if node.role() not in INTERACTIVE or node.text(QAccessible.Text.Name).strip():
            continue
        thing = node.object()
        if isinstance(thing, QWidget) and not thing.isVisible():
            continue
        found.append(f"{node.role().name} {thing} in {node.parent().object()}")
    return found


def test_no_panel_has_anything_without_a_name(digits: MainWindow, settled: Settled) -> None:
    digits.run()
    settled()
    digits.session.select("int8")
    for dock in digits.parts.docks:
        digits.parts.docks.bring(dock.place.panel)
        settled()
        QApplication.processEvents()
        assert not unnamed(digits), dock.place.title


def test_an_empty_window_and_the_tree_have_names(window: MainWindow, digits_state) -> None:
    QApplication.processEvents()
    assert not unnamed(window)
    window.session.take(lambda _: digits_state)
    window.show_tree(True)
    QApplication.processEvents()
    assert not unnamed(window)


def test_every_menu_has_names(digits: MainWindow) -> None:
    menus = [menu for menu in digits.findChildren(QMenu) if menu.title()]
    assert len(menus) > 6
    for menu in menus:
        menu.popup(QPoint(0, 0))
        assert not unnamed(menu), menu.title()
        menu.close()


def opened(digits: MainWindow, name: str) -> QWidget:
    """Something that stands before the window for a while."""
    errors = {
        "agreement": AgreementNeeded("asks", "a.pt", "answer"),
        "shapes": ShapesNeeded("asks", "a.pt", "answer"),
        "device": DeviceNeeded("asks", "a.pdsc", "answer", ("one", "two")),
    }
    if name in errors:
        question = question_for(digits, errors[name])
        question.ask()
        return next(w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not digits)
    if name == "crash":
        dialog = CrashDialog(digits, ZeroDivisionError("a bug"))
        dialog.show()
        return dialog
    if name == "notice":
        digits.notices.error(ModelError("is broken", "a.onnx", "export it again"), "ModelError")
        return digits.notices
    return {
        "palette": partial(open_palette, digits), "boards": digits.budget.open_chooser,
        "shortcuts": digits.change_shortcuts, "tour": digits.tour, "steps": digits.menus.add,
        "insert": digits.menus.insert, "places": digits.menus.places, "name": digits.menus.name,
        "describe": digits.own.describe, "application": digits.own.edit_application,
    }[name]()  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "palette", "boards", "shortcuts", "tour", "steps", "insert", "places", "name", "notice",
        "crash", "agreement", "shapes", "device", "describe", "application",
    ],
)  # fmt: skip
def test_what_opens_before_the_window_has_names(digits: MainWindow, name: str) -> None:
    digits.session.select("int8")
    shown = opened(digits, name)
    QApplication.processEvents()
    assert shown.isVisible()
    assert not unnamed(shown)
    shown.close()


def test_tab_leads_through_the_window_and_back(digits: MainWindow, settled: Settled) -> None:
    hand, passed = Hand(digits, settled), []
    hand.hold()
    digits.canvas.setFocus()
    for _ in range(MOST_TABS):
        QTest.keyClick(hand.focus, Key.Key_Tab)
        passed.append(hand.focus)
        if hand.focus is digits.canvas:
            break
    assert passed[-1] is digits.canvas
    assert len(passed) == len(set(passed)) > 20
    assert {digits.parts.board, digits.parts.steps, digits.parts.layer_list} <= set(passed)
    assert all(widget.accessibleName() or widget is digits for widget in passed)
