"""Of what comes in a burst, the first and the last are shown."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.gui.newest import EVERY_MS, Newest


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
