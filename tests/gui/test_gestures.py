"""Gestures on the canvas: each ends in one edit, and Esc leaves the project identical."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QGuiApplication
from pytestqt.qtbot import QtBot

from studio.gui.canvas.view import STEP_MIME
from studio.gui.main_window import MainWindow
from studio.gui.step_menu import StepMenu
from studio.project import ROOT, to_text

Settled = Callable[[], None]
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


def centre(window: MainWindow, node: str) -> QPoint:
    return window.canvas.mapFromScene(window.canvas.cards[node].frame.center())


def corner(window: MainWindow, node: str, left_above: bool) -> QPoint:
    frame = window.canvas.cards[node].frame.adjusted(-8, -8, 8, 8)
    return window.canvas.mapFromScene(frame.topLeft() if left_above else frame.bottomRight())


def drag(
    qtbot: QtBot, window: MainWindow, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT,
    cancel: bool = False,
) -> None:  # fmt: skip
    viewport = window.canvas.viewport()
    qtbot.mousePress(viewport, button, pos=start)
    qtbot.mouseMove(viewport, (start + end) / 2)
    qtbot.mouseMove(viewport, end)
    if cancel:
        qtbot.keyClick(window.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(viewport, button, pos=end)


def text(window: MainWindow) -> str:
    from pathlib import Path

    return to_text(window.session.state.project, Path("/"))


def test_a_box_marks_cards_and_dragging_one_moves_all_in_one_edit(
    digits: MainWindow, qtbot: QtBot
) -> None:
    drag(qtbot, digits, corner(digits, "fold", True), corner(digits, "int8", False))
    assert set(digits.chosen_steps) == {"fold", "int8"}
    before = digits.session.state.project
    start = centre(digits, "fold")
    drag(qtbot, digits, start, start + QPoint(32, 48))
    assert digits.session.state.history.past == (before,)
    assert set(digits.session.state.project.positions) >= {"fold", "int8"}


def test_a_click_on_one_of_several_marked_cards_chooses_it_alone(
    digits: MainWindow, qtbot: QtBot
) -> None:
    digits.canvas.mark(["fold", "int8"])
    qtbot.mouseClick(digits.canvas.viewport(), LEFT, pos=centre(digits, "fold"))
    assert digits.chosen_steps == ("fold",)


def test_shift_and_click_mark_more_and_less(digits: MainWindow, qtbot: QtBot) -> None:
    digits.session.select("int8")
    viewport, shift = digits.canvas.viewport(), Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(viewport, LEFT, shift, centre(digits, "fold"))
    assert set(digits.chosen_steps) == {"fold", "int8"}
    qtbot.mouseClick(viewport, LEFT, shift, centre(digits, "int8"))
    assert digits.chosen_steps == ("fold",)


@pytest.mark.parametrize("kind", ["box", "move", "branch", "pan"])
def test_esc_leaves_project_and_view_as_they_were(
    digits: MainWindow, qtbot: QtBot, kind: str
) -> None:
    canvas, before, marked = digits.canvas, text(digits), digits.canvas.marked
    canvas.set_zoom(1.5)
    seen = canvas.mapToScene(QPoint())
    starts = {
        "box": corner(digits, "fold", True),
        "move": centre(digits, marked[0]),
        "branch": canvas.mapFromScene(canvas.cards["fold"].right_port),
        "pan": corner(digits, "fold", True),
    }
    end = starts[kind] + QPoint(60, 70)
    drag(qtbot, digits, starts[kind], end, MIDDLE if kind == "pan" else LEFT, cancel=True)
    assert canvas.gesture is None
    assert text(digits) == before
    assert canvas.marked == marked
    assert canvas.mapToScene(QPoint()) == seen
    assert not digits.session.state.history.past


@pytest.mark.parametrize("how", ["middle button", "space"])
def test_the_canvas_is_panned(digits: MainWindow, qtbot: QtBot, how: str) -> None:
    canvas = digits.canvas
    canvas.set_zoom(1.5)
    start = corner(digits, "fold", True)
    seen = canvas.mapToScene(start)
    if how == "space":
        canvas.setFocus()
        qtbot.keyPress(canvas, Qt.Key.Key_Space)
    drag(qtbot, digits, start, start + QPoint(40, 24), LEFT if how == "space" else MIDDLE)
    if how == "space":
        qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    away = canvas.mapToScene(start + QPoint(40, 24)) - seen
    assert abs(away.x()) <= 1
    assert abs(away.y()) <= 1


def test_a_step_over_a_link_marks_it_and_leaving_unmarks_it(digits: MainWindow) -> None:
    canvas = digits.canvas
    data = QMimeData()
    data.setData(STEP_MIME, b"fold_batch_norm")
    [link] = [link for link in canvas.links if link.child_card.card.id == "int8"]
    at = canvas.mapFromScene((link.parent_card.right_port + link.child_card.left_port) / 2)
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    canvas.dragEnterEvent(QDragEnterEvent(at, copy, data, LEFT, none))
    canvas.dragMoveEvent(QDragMoveEvent(at, copy, data, LEFT, none))
    assert link.target
    canvas.dragLeaveEvent(QDragLeaveEvent())
    assert not link.target
    assert canvas.gesture is None


def test_a_click_on_a_link_shows_the_model_there(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    [link] = [link for link in digits.canvas.links if link.child_card.card.id == "int8"]
    middle = (link.parent_card.right_port + link.child_card.left_port) / 2
    qtbot.mouseClick(digits.canvas.viewport(), LEFT, pos=digits.canvas.mapFromScene(middle))
    settled()
    assert digits.session.state.selected == "fold"
    assert digits.parts.model.isVisible()
    assert digits.parts.model.table.rowCount() > 4


def test_the_rope_opens_a_menu_of_steps_that_fit(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    canvas = digits.canvas
    port = canvas.mapFromScene(canvas.cards["int8"].right_port)
    drag(qtbot, digits, port, port + QPoint(10, 90))
    [menu] = digits.findChildren(StepMenu)
    qtbot.waitUntil(lambda: not menu.entries["quantize_int8"].isEnabled(), timeout=5000)
    assert menu.entries["quantize_int8"].toolTip()
    menu.entries["fold_batch_norm"].trigger()
    menu.close()
    assert digits.session.state.project.recipe.nodes[-1].parent == "int8"


def test_esc_in_the_menu_adds_nothing(digits: MainWindow, qtbot: QtBot) -> None:
    before = text(digits)
    menu = digits.menus.add()
    qtbot.keyClick(menu, Qt.Key.Key_Escape)
    assert text(digits) == before


def test_steps_are_copied_as_text_and_pasted_behind_another_card(
    digits: MainWindow, qtbot: QtBot
) -> None:
    digits.canvas.mark(["fold", "int8"])
    digits.canvas.setFocus()
    qtbot.keyClick(digits.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "quantize_int8" in QGuiApplication.clipboard().text()
    digits.session.select(ROOT)
    qtbot.keyClick(digits.canvas, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    recipe = digits.session.state.project.recipe
    assert len(recipe.variants) == 2
    assert [node.step for node in recipe.path(recipe.variants[1].id)] == [
        "fold_batch_norm", "quantize_int8",
    ]  # fmt: skip
    assert len(digits.session.state.history.past) == 1


def test_text_that_is_no_recipe_gives_a_notice(digits: MainWindow) -> None:
    before = text(digits)
    QGuiApplication.clipboard().setText("some words")
    digits.actions_.by_id["paste_steps"].trigger()
    assert text(digits) == before
    assert digits.notices.shown


def test_a_branch_is_duplicated_with_all_that_follows(digits: MainWindow) -> None:
    digits.session.select("fold")
    digits.actions_.by_id["duplicate_step"].trigger()
    recipe = digits.session.state.project.recipe
    assert len(recipe.nodes) == 4
    assert len(recipe.variants) == 2


def test_deleting_several_cards_heals_the_links_and_is_one_edit(digits: MainWindow) -> None:
    digits.session.add_step("fold_batch_norm", "int8")
    before = digits.session.state.project
    digits.canvas.mark(["fold", "int8"])
    digits.actions_.by_id["delete_step"].trigger()
    [left] = digits.session.state.project.recipe.nodes
    assert left.parent is None
    digits.session.undo()
    assert digits.session.state.project is before


def test_the_tree_marks_several_rows_for_commands(digits: MainWindow) -> None:
    digits.show_tree(True)
    digits.session.select("int8")
    digits.outline.selectAll()
    digits.actions_.by_id["mute_step"].trigger()
    assert all(node.muted for node in digits.session.state.project.recipe.nodes)


def test_a_step_is_inserted_before_the_selected_one_by_keys(
    digits: MainWindow, qtbot: QtBot
) -> None:
    digits.session.select("int8")
    menu = digits.menus.insert()
    menu.entries["fold_batch_norm"].trigger()
    menu.close()
    recipe = digits.session.state.project.recipe
    assert recipe.by_id["int8"].parent == "fold_batch_norm"


def test_cards_may_be_moved_while_figures_arrive(digits: MainWindow, qtbot: QtBot) -> None:
    viewport, start = digits.canvas.viewport(), centre(digits, "int8")
    qtbot.mousePress(viewport, LEFT, pos=start)
    qtbot.mouseMove(viewport, start + QPoint(40, 40))
    held = digits.canvas.cards["int8"].pos()
    digits.refresh()
    assert digits.canvas.cards["int8"].pos() == held
    qtbot.keyClick(digits.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(viewport, LEFT, pos=start)
    assert QPointF(*digits.session.state.project.positions.get("int8", (0, 0))) == QPointF(0, 0)
