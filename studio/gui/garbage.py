"""Cycles are collected in the window's thread only.

Python collects them in whichever thread allocates next; a QObject that is freed in a worker's
thread takes its timers and connections with it there, and Qt crashes.

Searching everything takes a tenth of a second once a model is open, and the window stands still
meanwhile. What was searched once is therefore left alone until a quarter more has come to it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 250
GROWTH = 1.25


class Garbage(QObject):
    """Takes the place of Python's automatic collector as long as it lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        self._searched = gc.get_freeze_count()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the oldest generation that is due, as the automatic collector would."""
        counts, limits = gc.get_count(), gc.get_threshold()
        due = [age for age in range(3) if counts[age] > limits[age]]
        if due:
            gc.collect(due[-1])
        if 2 in due:
            gc.freeze()
            if gc.get_freeze_count() > GROWTH * self._searched:
                self._search()

    def _search(self) -> None:
        """Collect what was left alone, too."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._searched = gc.get_freeze_count()
