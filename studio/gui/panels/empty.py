"""An empty panel says what to do next, with the button that does it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget


def empty_page(text: str, button: str = "", act: Callable[[], object] = lambda: None) -> QWidget:
    """A page with a line in the middle and, where `button` is given, a button under it."""
    page = QWidget()
    column = QVBoxLayout(page)
    label = QLabel(text)
    label.setProperty("role", "muted")
    column.addStretch(1)
    column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
    if button:
        widget = QPushButton(button)
        widget.setAccessibleName(button)
        widget.clicked.connect(lambda: act())
        column.addSpacing(8)
        column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
    column.addStretch(1)
    return page
