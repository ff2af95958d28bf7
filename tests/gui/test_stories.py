"""Whole stories with mouse and keys, and the same through the command line: the same files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.budget.side_by_side import as_csv
from studio.cli import main
from studio.data.dataset import load
from studio.gui.main_window import MainWindow
from studio.project import ROOT, Project, read_project, to_text
from studio.recipe.recipe import read_recipe, write_recipe
from studio.session import Session, State
from studio.targets.resources import resource

Settled = Callable[[], None]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A model and its data as a user has them."""
    shutil.copy(resource("resources/examples/digits/digits.onnx"), tmp_path / "mine.onnx")
    digits = load("example:digits")
    np.savez(tmp_path / "mine.npz", x=digits.x, y=digits.y, split=digits.split)
    return tmp_path


def chosen_board(hand: Hand, board: str) -> None:
    """Tick it in the chooser, and click its row of the budget."""
    budget = hand.window.budget
    hand.click(budget.choose)
    chooser = QApplication.activePopupWidget()
    hand.type(board)
    rows = [chooser.list.topLevelItem(i) for i in range(chooser.list.topLevelItemCount())]
    [row] = [row for row in rows if not row.isHidden()]
    place = chooser.list.visualItemRect(row)
    hand.click(chooser.list.viewport(), QPoint(place.left() + 12, place.center().y()))
    hand.keys("Esc")
    hand.click(budget.rows[board])


def opened(hand: Hand, mine: Path) -> None:
    """Model and data by drop, two steps, the first one inserted on the link of the second."""
    session, canvas = hand.window.session, hand.window.canvas
    hand.drop(mine / "mine.onnx")
    hand.drop(mine / "mine.npz")
    assert session.state.dataset is not None
    hand.drop_step("quantize_int8", canvas.cards[ROOT].frame.center())
    hand.drop_on_link("fold_batch_norm", "quantize_int8")
    assert [node.id for node in session.state.project.recipe.path("quantize_int8")] == [
        "fold_batch_norm", "quantize_int8",
    ]  # fmt: skip


def branched(hand: Hand) -> str:
    """A rope into the void brings a second variant, which is tuned; its node."""
    session, window = hand.window.session, hand.window
    hand.pull_rope("fold_batch_norm", QPoint(20, 90))
    hand.choose("Quantise to int8")
    made = session.state.selected
    assert len(session.state.project.recipe.variants) == 2
    check = window.parts.settings.form.editor_of("per_channel")
    hand.click(check, QPoint(8, check.height() // 2))
    assert session.state.project.recipe.by_id[made].params == {"per_channel": False}
    return made


def compared(hand: Hand) -> None:
    """All variants are run, and looked at in the trade-off; a point opens its node."""
    session, chart = hand.window.session, hand.window.parts.trade_off.chart
    hand.press("Run")
    assert all(session.state.result(node) for node in session.state.project.recipe.by_id)
    hand.look("Trade-off")
    assert len(chart._points) == 4
    hand.click(chart, chart.place(chart._points[0]).toPoint())
    assert session.state.selected == ROOT
    hand.look("Accuracy")
    table = hand.window.parts.accuracy.table
    assert table.isVisible() and table.rowCount() == 4
    row = table.visualItemRect(table.item(3, 0))
    hand.click(table.viewport(), row.center())
    assert session.state.selected == "quantize_int8_2"


def on_board(hand: Hand, folder: Path, qtbot: QtBot) -> None:
    """C is generated, the board flashed, and watched live until the mouse says stop."""
    window, session = hand.window, hand.window.session
    hand.answer(folder)
    hand.press("Generate C")
    assert (folder / "mine.c").is_file()
    hand.press("Flash and verify")
    assert [s.state for s in session.state.deployment.stations] == ["done"] * 4
    window.live_panel.answered = 0
    settled, hand.settled = hand.settled, lambda: None
    hand.press("Live")
    hand.settled = settled
    qtbot.waitUntil(lambda: window.live_panel.answered >= 2, timeout=20_000)
    assert window.parts.docks.shows(window.live_panel)
    hand.click(window.status.cancel)


def test_from_a_dropped_file_to_the_board_and_back(
    window: MainWindow, qtbot: QtBot, settled: Settled, mine: Path
) -> None:
    session, hand = window.session, Hand(window, settled)
    opened(hand, mine)
    first_edits = len(session.state.history.past)
    first = to_text(session.state.project, mine)
    tuned = branched(hand)
    compared(hand)
    chosen_board(hand, "virtual/host")
    assert session.state.project.board == "virtual/host"
    hand.click_card(tuned)
    (mine / "c").mkdir()
    on_board(hand, mine / "c", qtbot)
    hand.answer(mine / "mine.tinyml")
    hand.keys("Ctrl+S")
    assert not session.state.unsaved
    saved = (mine / "mine.tinyml").read_bytes()

    for _ in session.state.history.past[first_edits:]:
        hand.keys("Ctrl+Z")
    assert to_text(session.state.project, mine) == first
    for _ in session.state.history.past:
        hand.keys("Ctrl+Z")
    assert session.state.project == Project(model=str(mine / "mine.onnx"))
    hand.drop(mine / "mine.tinyml")
    hand.keys("Ctrl+S")
    assert (mine / "mine.tinyml").read_bytes() == saved
    window.close()

    settings = QSettings(str(mine / "again.ini"), QSettings.Format.IniFormat)
    again = MainWindow(Session(), settings, mine / "unsaved again")
    qtbot.addWidget(again)
    again.show()
    reopened = Hand(again, lambda: qtbot.waitUntil(lambda: again.idle, timeout=20_000))
    reopened.answer(mine / "mine.tinyml")
    reopened.keys("Ctrl+O")
    assert to_text(again.session.state.project, mine).encode() == saved
    again.close()


def test_keys_alone_load_compress_choose_a_board_generate_and_flash(
    window: MainWindow, settled: Settled, mine: Path
) -> None:
    session, hand = window.session, Hand(window, settled)
    hand.answer(mine / "mine.onnx")
    hand.keys("Ctrl+O")
    hand.answer(mine / "mine.npz")
    hand.keys("Ctrl+Shift+O")
    assert session.state.dataset is not None
    hand.keys("Ctrl+Shift+P")
    hand.type("add step: fold")
    hand.keys("Return")
    hand.keys("Ctrl+Return")  # a menu of the steps that fit
    menu = QApplication.activePopupWidget()
    assert menu.accessibleName() == "Add step"
    hand.choose_by_keys("Quantise to int8")
    assert session.state.selected == "quantize_int8"
    hand.tab_to(window.parts.settings.form.editor_of("per_channel"))
    hand.keys("Space")
    assert session.state.project.recipe.by_id["quantize_int8"].params == {"per_channel": False}

    hand.keys("Ctrl+B")
    hand.type("virtual/host")
    hand.keys("Down")
    hand.keys("Space")
    hand.keys("Esc")
    hand.tab_to(window.parts.board)
    for _ in session.state.project.boards[1:]:  # the one that was ticked last is at the end
        hand.keys("Down")
    assert session.state.project.board == "virtual/host"
    hand.keys("F5")
    assert session.state.result("quantize_int8").evaluation.accuracy > 0.9
    (mine / "c").mkdir()
    hand.answer(mine / "c")
    hand.keys("F6")
    assert (mine / "c" / "mine.c").is_file()
    hand.keys("F7")
    assert session.state.deployed
    assert [s.state for s in session.state.deployment.stations] == ["done"] * 4


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by its path there."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def replayed(recipe: Path, variant: str, folder: Path, state: State) -> dict[str, bytes]:
    """What the command line writes for a variant of the recipe, with the choices of the window."""
    folder.mkdir()
    model, data, out = str(folder / "mine.onnx"), str(recipe.parent / "mine.npz"), str(folder / "c")
    project = state.project
    source = ["compress", project.model, "--recipe", str(recipe), "--data", data]
    assert main([*source, "--variant", variant, "-o", model]) == 0
    chosen = ["--plan", project.plan]
    assert main(["generate", model, "--board", project.board, *chosen, "-o", out]) == 0
    boards = [word for board in project.boards for word in ("--board", board)]
    table = ["--toolchain", project.toolchain, "--csv", str(folder / "budgets.csv")]
    assert main(["budget", model, *boards, *chosen, *table]) in (0, 1)  # it need not fit them all
    return files_of(folder)


def test_the_command_line_writes_the_same_files_byte_for_byte(
    window: MainWindow, settled: Settled, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The story again, of which the project's file is all that the command line gets."""
    session, hand = window.session, Hand(window, settled)
    opened(hand, mine)
    branched(hand)
    hand.tab_to(window.parts.plan)
    hand.keys("Down")
    hand.press("Run")
    hand.answer(mine / "mine.tinyml")
    hand.keys("Ctrl+S")
    project = read_project(mine / "mine.tinyml")
    assert project == session.state.project
    assert project.plan == "small"
    recipe = mine / "recipe.toml"
    recipe.write_text(write_recipe(project.recipe))
    again = Project(project.model, project.data, read_recipe(recipe), plan="small")
    assert to_text(again, mine).encode() == (mine / "mine.tinyml").read_bytes()

    for variant in (node.id for node in project.recipe.variants):
        folder = mine / f"window {variant}"
        (folder / "c").mkdir(parents=True)
        hand.click_card(variant)
        hand.answer(folder / "mine.onnx")
        hand.keys("Ctrl+E")
        hand.answer(folder / "c")
        hand.press("Generate C")
        state = session.state
        text = as_csv(state.view.budgets[board] for board in project.boards)
        (folder / "budgets.csv").write_bytes(text.encode())
        theirs = replayed(recipe, variant, mine / f"cli {variant}", state)
        assert files_of(folder) == theirs
        assert len(theirs) > 10
        capsys.readouterr()
        data = ["--data", str(mine / "mine.npz"), "--json"]
        assert main(["evaluate", str(folder / "mine.onnx"), *data]) == 0
        told, measured = json.loads(capsys.readouterr().out), state.result(variant).evaluation
        assert told["accuracy"]["value"] == measured.accuracy
        assert told["samples"] == measured.n
