"""What was done, when, in lines that can be copied."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QPlainTextEdit

from studio.gui import theme

LINES = 2000


class LogPanel(QPlainTextEdit):
    """Lines with their time; the newest is in view."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Log")
        self.setReadOnly(True)
        self.setAcceptDrops(False)
        self.setMaximumBlockCount(LINES)
        self.setFont(theme.fixed_width())
        self.setViewportMargins(12, 8, 8, 8)
        self.setPlaceholderText(
            "What the studio does is listed here: runs, builds, flashing, errors."
        )
        self._last = ""

    def add(self, text: str) -> None:
        """Append a line unless it says what the last one said."""
        if text != self._last:
            self._last = text
            self.appendPlainText(f"{time.strftime('%H:%M:%S')}  {text}")
