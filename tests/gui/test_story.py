"""A whole story with mouse and keys, and the same through the command line: the same files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from studio.cli import main
from studio.gui.canvas.view import STEP_MIME
from studio.gui.main_window import MainWindow
from studio.project import to_text
from studio.recipe.recipe import write_recipe
from studio.session import Session
from studio.targets.resources import resource

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton


def drop(window: MainWindow, data: QMimeData, at: QPoint) -> None:
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, LEFT, none)
    window.canvas.dropEvent(event)


def drop_step(window: MainWindow, step: str, at: QPointF) -> None:
    data = QMimeData()
    data.setData(STEP_MIME, step.encode())
    drop(window, data, window.canvas.mapFromScene(at))


def test_from_a_dropped_file_to_the_board_and_back(
    window: MainWindow, qtbot: QtBot, settled: Settled, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    canvas, session = window.canvas, window.session
    shutil.copy(resource("resources/examples/digits/digits.onnx"), tmp_path / "mine.onnx")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "mine.onnx"))])
    drop(window, data, QPoint(300, 200))
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
    session.select("quantize_int8")
    qtbot.keyClick(canvas, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)  # branch
    settled()
    if len(session.state.project.recipe.variants) == 1:  # no active window offscreen
        window.actions_.by_id["duplicate_step"].trigger()
        settled()
    assert len(session.state.project.recipe.variants) == 2
    check = window.parts.settings.form.editor_of("per_channel")
    qtbot.mouseClick(check, LEFT, pos=QPoint(8, check.height() // 2))  # tune
    settled()
    assert session.state.project.recipe.nodes[-1].params == {"per_channel": False}

    window.run()
    settled()
    window.parts.docks.bring(window.parts.trade_off)
    assert len(window.parts.trade_off.chart._points) == 4  # compare
    session.choose_board("virtual/host")
    settled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "c"))
    window.ask_generate()
    settled()
    window.flash()
    settled()
    assert [s.state for s in session.state.deployment.stations] == ["done"] * 4
    window.live()
    qtbot.waitUntil(lambda: window.live_panel.answered >= 2, timeout=20_000)
    window.cancel()
    settled()

    session.save(tmp_path / "mine.tinyml")
    saved = to_text(session.state.project, tmp_path)
    while len(session.state.history.past) > edits:
        window.actions_.by_id["undo"].trigger()
    assert to_text(session.state.project, tmp_path) == first
    window.open(str(tmp_path / "mine.tinyml"))
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
