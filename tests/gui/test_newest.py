"""Of what comes in a burst, the first and the last are shown."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.newest import EVERY_MS, Newest
from studio.job import Job, Progress
from studio.session.state import Update


@pytest.mark.parametrize("dropped", [False, True])
def test_a_burst_is_shown_by_its_first_and_its_last(qtbot: QtBot, dropped: bool) -> None:
    shown: list[int] = []
    parent = QObject()
    newest = Newest(shown.append, parent)
    for value in range(1000):
        newest.put(value)
    assert shown == [0]
    if dropped:
        newest.drop()
    qtbot.wait(5 * EVERY_MS)
    assert shown == ([0] if dropped else [0, 999])
    newest.put(7)
    assert shown[-1] == 7


def test_progress_that_waits_is_not_shown_once_the_job_is_cancelled(
    digits: MainWindow, qtbot: QtBot
) -> None:
    going = threading.Event()

    def job() -> Job[Update]:
        going.wait()
        yield Progress("last", 1.0)
        return lambda state: state

    digits.start("Long", job())
    for text in ("first", "second"):
        digits._progressed(Progress(text, 0.5))
    digits.cancel()
    qtbot.waitUntil(lambda: not digits._progress._timer.isActive())
    shown = digits.status.text.text()
    going.set()
    assert "first" in shown
