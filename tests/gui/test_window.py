"""The window, driven with mouse and keys."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
)
from pytestqt.qtbot import QtBot
from window_events import drop_file, drop_step

from studio.compression.step import Step, param, steps
from studio.data.dataset import Dataset
from studio.gui.command_palette import open_palette
from studio.gui.main_window import MainWindow
from studio.job import Job, Progress
from studio.model.model import Model
from studio.project import ROOT, to_text
from studio.session import Session, State, Update
from studio.targets.resources import resource

Settled = Callable[[], None]


def card_centre(window: MainWindow, node: str) -> QPoint:
    item = window.canvas.cards[node]
    return window.canvas.mapFromScene(item.mapToScene(item.boundingRect().center()))


def flash_bytes(window: MainWindow) -> float:
    state = window.session.state
    return state.view.budgets[state.project.board].flash_bytes.value


def test_an_empty_window_says_what_to_do(window: MainWindow) -> None:
    assert window.parts.welcome.isVisible()
    assert not window.actions_.by_id["run"].isEnabled()


def test_the_example_opens_from_the_welcome_page(
    window: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    buttons = window.parts.welcome.findChildren(QAbstractButton)
    digits = next(b for b in buttons if b.accessibleName() == "Digits example")
    qtbot.mouseClick(digits, Qt.MouseButton.LeftButton)
    settled()
    assert set(window.canvas.cards) == {ROOT, "fold", "int8"}
    assert window.canvas.isVisible()
    assert window.budget.rows["virtual/mps2-an386"].row.flash is not None


@pytest.mark.parametrize("on_canvas", [False, True], ids=["on the window", "on the canvas"])
def test_a_dropped_model_opens(
    window: MainWindow, settled: Settled, tmp_path: Path, on_canvas: bool
) -> None:
    model = tmp_path / "mine.onnx"
    shutil.copy(resource("resources/examples/digits/digits.onnx"), model)
    drop_file(window.canvas.viewport() if on_canvas else window.centralWidget(), model)
    settled()
    assert window.session.state.project.name == "mine"
    assert str(model) in window.recent()


def test_a_file_that_is_no_model_gives_a_notice_and_changes_nothing(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    before = digits.session.state.project
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"not a model")
    digits.open(str(junk))
    settled()
    [notice] = digits.notices.shown
    assert "junk.onnx" in notice.text
    assert digits.session.state.project is before


def test_a_click_selects_and_keys_move_delete_and_mute(digits: MainWindow, qtbot: QtBot) -> None:
    viewport = digits.canvas.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=card_centre(digits, "fold"))
    assert digits.session.state.selected == "fold"
    qtbot.keyClick(digits.canvas, Qt.Key.Key_Right)
    assert digits.session.state.selected == "int8"
    qtbot.keyClick(digits.canvas, Qt.Key.Key_M)
    assert digits.session.state.project.recipe.by_id["int8"].muted
    digits.session.select("fold")
    qtbot.keyClick(digits.canvas, Qt.Key.Key_Delete)
    assert digits.session.state.project.recipe.by_id["int8"].parent is None


def test_dragging_a_card_is_one_edit_and_esc_leaves_the_project_identical(
    digits: MainWindow, qtbot: QtBot
) -> None:
    viewport, start = digits.canvas.viewport(), card_centre(digits, "int8")
    digits.session.select("int8")
    before = digits.session.state.project
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(viewport, start + QPoint(40, 40))
    qtbot.keyClick(digits.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 40))
    assert digits.session.state.project is before
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(viewport, start + QPoint(24, 48))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=start + QPoint(24, 48))
    assert digits.session.state.history.past == (before,)
    assert "int8" in digits.session.state.project.positions


def test_a_step_dropped_on_a_link_is_inserted_there(digits: MainWindow) -> None:
    [link] = [link for link in digits.canvas.links if link.child_card.card.id == "int8"]
    middle = (link.parent_card.right_port + link.child_card.left_port) / 2
    drop_step(digits, "fold_batch_norm", middle)
    recipe = digits.session.state.project.recipe
    assert recipe.by_id["int8"].parent == "fold_batch_norm"
    assert recipe.by_id["fold_batch_norm"].parent == "fold"


def test_a_step_dropped_on_a_card_branches_and_enter_in_the_palette_appends(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    drop_step(digits, "quantize_int8", digits.canvas.cards["fold"].frame.center())
    assert len(digits.session.state.project.recipe.variants) == 2
    settled()
    tree = digits.parts.steps
    item = tree.topLevelItem(0).child(0)
    tree.setCurrentItem(item)
    qtbot.keyClick(tree, Qt.Key.Key_Return)
    assert digits.session.state.project.recipe.nodes[-1].parent == "quantize_int8"


def test_a_rope_from_a_port_into_the_void_asks_for_a_step(digits: MainWindow, qtbot: QtBot) -> None:
    canvas, asked = digits.canvas, []
    canvas.branch_requested.disconnect()
    canvas.branch_requested.connect(lambda parent, at: asked.append(parent))
    port = canvas.mapFromScene(canvas.cards["fold"].right_port)
    void = port + QPoint(10, 120)
    qtbot.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, pos=port)
    qtbot.mouseMove(canvas.viewport(), void)
    qtbot.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=void)
    assert asked == ["fold"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Quantises above a threshold: a step whose slider changes the structure."""

    share: float = param(0.2, "Share", lo=0.0, hi=1.0)


def threshold_preview(p: Threshold, model: Model) -> Model:
    step = steps()["quantize_int8"]
    return step.preview(step.make(), model) if p.share > 0.5 else model


def threshold_run(p: Threshold, model: Model, data: Dataset | None) -> Job[Model]:
    yield Progress("Applying")
    return threshold_preview(p, model)


@pytest.fixture
def threshold(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a step whose slider changes the budget."""
    step = Step(Threshold, threshold_preview, threshold_run, group="Test", title="Threshold")
    monkeypatch.setitem(steps(), step.id, step)
    return step.id


def test_the_budget_follows_a_slider_within_100_ms_and_undo_brings_it_back(
    digits: MainWindow, qtbot: QtBot, settled: Settled, threshold: str
) -> None:
    digits.session.add_step(threshold, "fold")
    settled()
    before, was = digits.session.state.project, flash_bytes(digits)
    slider = digits.parts.settings.form.editor_of("share").slider
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton)
    for key in (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Home):
        qtbot.keyClick(slider, key)
        settled()
    taken_s = []
    for key in (Qt.Key.Key_PageUp,) * 9:  # 0.1 a step; above 0.5 the structure changes
        begun = time.perf_counter()
        qtbot.keyClick(slider, key)
        settled()
        taken_s.append(time.perf_counter() - begun)
    assert statistics.median(taken_s) < 0.1
    assert flash_bytes(digits) < was
    row = digits.budget.rows[before.board].row
    assert row.flash == pytest.approx(flash_bytes(digits) / 4_194_304, rel=1e-9)
    digits.actions_.by_id["undo"].trigger()
    settled()
    assert digits.session.state.project is before
    assert flash_bytes(digits) == was
    assert slider.value() == 20


def test_dragging_a_slider_is_one_step_of_undo(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    digits.session.select("int8")
    before = digits.session.state.project
    slider = digits.parts.settings.form.editor_of("percentile").slider
    for _ in range(5):
        qtbot.keyClick(slider, Qt.Key.Key_Left)
    settled()
    assert digits.session.state.project != before
    digits.session.undo()
    assert digits.session.state.project is before


def test_random_use_then_undo_all_gives_the_same_file(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    first = to_text(digits.session.state.project, tmp_path)
    for name in ("duplicate_step", "mute_step", "delete_step", "duplicate_step", "tidy"):
        digits.actions_.by_id[name].trigger()
    digits.session.move({"fold": (8.0, 16.0)})
    while digits.actions_.by_id["undo"].isEnabled():
        digits.actions_.by_id["undo"].trigger()
    settled()
    assert to_text(digits.session.state.project, tmp_path) == first


def test_the_palette_finds_and_runs_a_command(digits: MainWindow, qtbot: QtBot) -> None:
    palette = open_palette(digits)
    QTest.keyClicks(palette.field, "dupl")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert len(digits.session.state.project.recipe.variants) == 2


def test_a_step_is_renamed_over_its_card(digits: MainWindow, qtbot: QtBot) -> None:
    field = digits.menus.name()
    field.field.setText("Mine")
    qtbot.keyClick(field.field, Qt.Key.Key_Return)
    assert digits.canvas.cards["int8"].card.title == "Mine"


def test_the_tree_shows_and_selects_what_the_canvas_does(digits: MainWindow, qtbot: QtBot) -> None:
    button = digits.parts._tree
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert digits.outline.isVisible()
    root = digits.outline.topLevelItem(0)
    fold = root.child(0)
    assert [item.text(0) for item in (root, fold, fold.child(0))] == [
        "Model", "Fold batch norm", "Quantise to int8",
    ]  # fmt: skip
    digits.outline.setCurrentItem(fold)
    assert digits.session.state.selected == "fold"
    digits.actions_.by_id["toggle_tree"].trigger()
    assert digits.canvas.isVisible()


def test_boards_are_chosen_by_ticking_them(digits: MainWindow, settled: Settled) -> None:
    popup = digits.budget.open_chooser()
    popup.field.setText("mps2-an500")
    rows = [popup.list.topLevelItem(row) for row in range(popup.list.topLevelItemCount())]
    [row] = [row for row in rows if not row.isHidden()]
    row.setCheckState(0, Qt.CheckState.Checked)
    settled()
    assert "virtual/mps2-an500" in digits.budget.rows
    popup.close()


def endless() -> Job[Update]:
    """A job that never ends by itself."""
    while True:
        yield Progress("going on", 0.5)
        QTest.qSleep(5)


def test_cancel_ends_a_job_and_its_answer_is_not_taken(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    before = digits.session.state
    digits.start("Endless", endless())
    qtbot.waitUntil(lambda: "50" in digits.status.text.text(), timeout=2000)
    assert not digits.actions_.by_id["run"].isEnabled()
    qtbot.mouseClick(digits.status.cancel, Qt.MouseButton.LeftButton)
    settled()
    assert digits.session.state is before
    assert "cancelled" in digits.log.toPlainText()
    assert not digits.status.cancel.isVisible()


def test_a_bug_in_a_job_shows_its_trace_with_copy(
    digits: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    from studio.gui.notices import CrashDialog

    def broken() -> Job[Update]:
        yield Progress("about to fail")
        raise ZeroDivisionError("a bug")

    digits.start("Broken", broken())
    settled()
    qtbot.waitUntil(lambda: bool(digits.findChildren(CrashDialog)), timeout=2000)
    [dialog] = digits.findChildren(CrashDialog)
    buttons = dialog.findChildren(QAbstractButton)
    qtbot.mouseClick(next(b for b in buttons if b.text() == "Copy"), Qt.MouseButton.LeftButton)
    assert "ZeroDivisionError: a bug" in QGuiApplication.clipboard().text()
    dialog.close()


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_theme_can_be_changed_while_a_model_is_open(digits: MainWindow, choice: str) -> None:
    digits.actions_.by_id[f"theme_{choice}"].trigger()
    image = digits.grab().toImage()
    background = image.pixelColor(image.width() - 8, image.height() - 60).lightness()
    assert (background > 128) == (choice == "light")


def test_an_operator_that_cannot_be_lowered_is_said_on_its_card(
    window: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    import onnx
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Hardmax", ["x"], ["y"], "odd")], "g", [x], [y])
    onnx.save(helper.make_model(graph), tmp_path / "hardmax.onnx")
    window.open(str(tmp_path / "hardmax.onnx"))
    settled()
    card = window.canvas.cards[ROOT].card
    assert card.state == "failed"
    assert "Hardmax" in card.tooltip
    assert "Hardmax" in window.parts.settings.about.text()


def test_the_layout_comes_back_at_the_next_start(
    digits: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    docks = {dock.place.title: dock for dock in digits.parts.docks}
    digits.removeDockWidget(docks["Log"])
    digits.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["Log"])
    docks["Log"].show()
    digits.resizeDocks([docks["Steps"]], [300], Qt.Orientation.Horizontal)
    docks["Step"].close()
    digits.close()
    again = MainWindow(Session(), digits.settings, tmp_path)
    qtbot.addWidget(again)
    again.show()
    docks = {dock.place.title: dock for dock in again.parts.docks}
    assert again.dockWidgetArea(docks["Log"]) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert docks["Steps"].width() > 240  # a small screen keeps the share, not the width
    assert not docks["Step"].isVisible()
    again.actions_.by_id["reset_layout"].trigger()
    QApplication.processEvents()
    assert again.dockWidgetArea(docks["Log"]) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert docks["Step"].isVisible()
    assert docks["Steps"].width() == max(168, round(224 * min(1, again.width() / 1280)))
    again.close()


def test_unsaved_changes_are_offered_at_the_next_start_and_can_be_saved(
    digits: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    digits.session.mute("int8")
    wanted = digits.session.state.project
    digits.close()
    (copy,) = (tmp_path / "unsaved").glob("digits-*.tinyml")
    again = MainWindow(Session(), digits.settings, tmp_path / "unsaved")
    qtbot.addWidget(again)
    offered = {b.accessibleName(): b for b in again.parts.welcome.findChildren(QAbstractButton)}
    offered[f"Open {copy}"].click()
    qtbot.waitUntil(lambda: again.session.state.project == wanted and again.idle, timeout=20_000)
    assert again.session.state.path is None
    assert again.session.state.unsaved
    again.session.save(tmp_path / "mine.tinyml")
    assert (tmp_path / "mine.tinyml").is_file()
    assert not copy.exists()
    again.close()


def test_saving_removes_the_unsaved_copy(digits: MainWindow, tmp_path: Path) -> None:
    digits.session.mute("int8")
    digits._kept.wait()
    (copy,) = (tmp_path / "unsaved").glob("digits-*.tinyml")
    assert copy.is_file()
    digits.session.save(tmp_path / "mine.tinyml")
    assert not copy.exists()
    assert "\u2022" not in digits.windowTitle()


def test_two_windows_on_one_model_keep_copies_of_their_own(
    digits: MainWindow, tmp_path: Path, qtbot: QtBot, digits_state: State
) -> None:
    folder = tmp_path / "unsaved"
    other = MainWindow(Session(), digits.settings, folder)
    qtbot.addWidget(other)
    other.session.take(lambda _: digits_state)
    digits.session.rename("int8", "first")
    digits._kept.wait()
    other.session.rename("int8", "second")
    other._kept.wait()
    first, second = sorted(folder.glob("digits-*.tinyml"))
    assert "first" in first.read_text()
    assert "second" in second.read_text()
    assert not digits._kept.files()  # a living window's work is not offered
    other.close()
    assert digits._kept.files() == [second]
    digits.close()
    third = MainWindow(Session(), digits.settings, folder)
    qtbot.addWidget(third)
    assert set(third._kept.files()) == {first, second}
    newest = third._kept.files()[0]
    assert newest.stat().st_mtime_ns == max(p.stat().st_mtime_ns for p in (first, second))
    third.close()


def test_a_copy_that_was_left_is_not_written_over(
    digits: MainWindow, tmp_path: Path, qtbot: QtBot, digits_state: State
) -> None:
    digits.session.rename("int8", "lost")
    digits.close()
    again = MainWindow(Session(), digits.settings, tmp_path / "unsaved")
    qtbot.addWidget(again)
    again.session.take(lambda _: digits_state)
    again.session.rename("int8", "new")
    again._kept.wait()
    texts = [path.read_text() for path in (tmp_path / "unsaved").glob("digits-*.tinyml")]
    assert sorted("lost" in text for text in texts) == [False, True]
    again.close()
