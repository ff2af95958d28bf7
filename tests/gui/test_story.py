"""A whole story with mouse and keys, and the same through the command line: the same files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QTabBar
from pytestqt.qtbot import QtBot
from window_events import drop_file, drop_step

from studio.cli import main
from studio.gui.main_window import MainWindow
from studio.project import to_text
from studio.recipe.recipe import write_recipe
from studio.session import Session
from studio.targets.resources import resource

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton


class Hand:
    """A person at the window: presses buttons, keys and tabs, and waits for the answer."""

    def __init__(self, window: MainWindow, qtbot: QtBot, settled: Settled) -> None:
        self.window, self.qtbot, self.settled = window, qtbot, settled

    def press(self, name: str) -> None:
        """A button of the bar."""
        buttons = self.window.parts.bar.findChildren(QAbstractButton)
        button = next(button for button in buttons if button.accessibleName() == name)
        assert button.isEnabled()
        self.qtbot.mouseClick(button, LEFT)

    def keys(self, keys: str) -> None:
        """A shortcut, while the canvas has the focus."""
        window = self.window
        window.activateWindow()
        self.qtbot.waitUntil(window.isActiveWindow)
        window.canvas.setFocus()
        QTest.keySequence(window.canvas, QKeySequence(keys))
        self.settled()

    def click_card(self, node: str) -> None:
        canvas = self.window.canvas
        at = canvas.mapFromScene(canvas.cards[node].frame.center())
        self.qtbot.mouseClick(canvas.viewport(), LEFT, pos=at)
        self.settled()

    def look(self, title: str) -> None:
        """A tab at the bottom."""
        [bar] = [b for b in self.window.findChildren(QTabBar) if b.parent() is self.window]
        index = [bar.tabText(i) for i in range(bar.count())].index(title)
        bar.setCurrentIndex(index)  # a tab may stand beyond the edge of a small screen
        self.settled()

    def points(self) -> int:
        """Of the trade-off, which is in view."""
        panel = self.window.parts.trade_off
        assert self.window.parts.docks.shows(panel)
        return len(panel.chart._points)

    def click_point(self, index: int) -> None:
        chart = self.window.parts.trade_off.chart
        place = chart.place(chart._points[index]).toPoint()
        self.qtbot.mouseClick(chart, LEFT, pos=place)
        self.settled()

    def choose_board(self, board: str) -> None:
        """Tick it in the chooser, and click its row of the budget."""
        budget = self.window.budget
        self.qtbot.mouseClick(budget.choose, LEFT)
        popup = QApplication.activePopupWidget()
        QTest.keyClicks(popup.field, board)
        rows = [popup.list.topLevelItem(i) for i in range(popup.list.topLevelItemCount())]
        [row] = [row for row in rows if not row.isHidden()]
        popup.list.setCurrentItem(row)
        self.qtbot.keyClick(popup.list, Qt.Key.Key_Space)
        popup.close()
        self.settled()
        self.qtbot.mouseClick(budget.rows[board], LEFT)
        self.settled()


def test_from_a_dropped_file_to_the_board_and_back(
    window: MainWindow, qtbot: QtBot, settled: Settled, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    canvas, session = window.canvas, window.session
    hand = Hand(window, qtbot, settled)
    shutil.copy(resource("resources/examples/digits/digits.onnx"), tmp_path / "mine.onnx")
    drop_file(window.centralWidget(), tmp_path / "mine.onnx")
    settled()
    window.open_data("example:digits")
    settled()
    first = to_text(session.state.project, tmp_path)
    edits = len(session.state.history.past)

    drop_step(window, "quantize_int8", canvas.cards[""].frame.center())  # append
    settled()
    [link] = canvas.links
    middle = (link.parent_card.right_port + link.child_card.left_port) / 2
    drop_step(window, "fold_batch_norm", middle)  # insert on the link
    settled()
    hand.click_card("quantize_int8")
    hand.keys("Ctrl+D")  # branch
    assert len(session.state.project.recipe.variants) == 2
    check = window.parts.settings.form.editor_of("per_channel")
    qtbot.mouseClick(check, LEFT, pos=QPoint(8, check.height() // 2))  # tune
    settled()
    assert session.state.project.recipe.nodes[-1].params == {"per_channel": False}

    hand.press("Run")
    settled()
    hand.look("Trade-off")  # compare
    assert hand.points() == 4
    hand.click_point(0)
    assert session.state.selected == ""
    hand.click_card("quantize_int8")
    hand.choose_board("virtual/host")
    assert session.state.project.board == "virtual/host"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "c"))
    hand.press("Generate C")
    settled()
    assert (tmp_path / "c" / "mine.c").is_file()
    hand.press("Flash and verify")
    settled()
    assert [s.state for s in session.state.deployment.stations] == ["done"] * 4
    hand.press("Live")
    qtbot.waitUntil(lambda: window.live_panel.answered >= 2, timeout=20_000)
    qtbot.mouseClick(window.status.cancel, LEFT)
    settled()

    saved_as = str(tmp_path / "mine.tinyml")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (saved_as, ""))
    hand.keys("Ctrl+S")
    saved = to_text(session.state.project, tmp_path)
    while len(session.state.history.past) > edits:
        hand.keys("Ctrl+Z")
    assert to_text(session.state.project, tmp_path) == first
    drop_file(window.centralWidget(), tmp_path / "mine.tinyml")
    settled()
    assert to_text(session.state.project, tmp_path) == saved


def test_the_command_line_writes_the_same_files(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    session: Session = digits.session
    session.choose_board("virtual/host")
    digits.generate(tmp_path / "window")
    settled()
    (tmp_path / "r.toml").write_text(write_recipe(session.state.project.recipe))
    model, recipe, out = (str(tmp_path / name) for name in ("digits.onnx", "r.toml", "cli"))
    compress = ["compress", "digits", "--recipe", recipe, "--data", "example:digits", "-o", model]
    assert main(compress) == 0
    assert main(["generate", model, "--board", "virtual/host", "-o", out]) == 0
    ours, theirs = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (tmp_path / "window", tmp_path / "cli")
    )
    assert ours == theirs
