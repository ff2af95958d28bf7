"""The whole way through the window, on the board that needs no emulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from studio.gui import screenshots
from studio.gui.main_window import MainWindow
from studio.gui.screenshots import tour


def test_the_example_goes_from_opening_to_live(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots, "LIVE_S", 1.0)
    seen: list[tuple[int, int]] = []
    stop = MainWindow.cancel

    def cancel(window: MainWindow) -> None:
        seen.append((window.live_panel.answered, window.live_panel.correct))
        stop(window)

    monkeypatch.setattr(MainWindow, "cancel", cancel)
    done = tour("digits", tmp_path, "virtual/host")
    [(answered, correct)] = seen
    assert answered >= 4
    assert correct >= answered - 1
    deployed = done.state.deployment
    assert deployed is not None
    assert [station.state for station in deployed.stations] == ["done"] * 4
    assert deployed.stations[2].text == "identical"
    assert not deployed.running.alive  # closing the window stopped the board
    assert done.state.result("int8") is not None
    stations = sorted({path.name.split("-")[2] for path in done.pictures})
    assert stations == [
        "accuracy", "application", "code", "describe", "empty", "flash", "layers", "live", "model",
        "noise", "opened", "run", "small", "tour", "tradeoff", "unfit", "variants",
    ]  # fmt: skip
    assert all(QImage(str(path)).width() == 1280 for path in done.pictures)


def test_a_picture_for_the_documents_is_small_and_looks_the_same(window: MainWindow) -> None:
    seen = window.grab().toImage()
    small = screenshots.few_colours(seen)
    assert small.format() == QImage.Format.Format_Indexed8
    points = [(x, y) for x in range(0, seen.width(), 7) for y in range(0, seen.height(), 7)]
    far = 0
    for x, y in points:
        one, other = seen.pixelColor(x, y), small.pixelColor(x, y)
        far += abs(one.red() - other.red()) + abs(one.green() - other.green()) > 24
    assert far < len(points) / 200
