"""What stands on the canvas while no model is open: where to begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui import theme
from studio.project import EXAMPLE

SHOWN = 4


class Welcome(QWidget):
    """Drop a model, open one, or open an example; `chosen` is "" for "ask me"."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = QLabel()
        title = QLabel("Drop a model here, or open one")
        title.setFont(theme.scaled(1.35, bold=True))
        about = QLabel("ONNX, TFLite, Keras and PyTorch models, and .tinyml projects")
        about.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        for widget in (self._mark, title, about):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(self._buttons())
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column.addSpacing(8)
        column.addLayout(self._recent)
        column.addStretch(1)
        self.recolour()

    def show_recent(self, names: Sequence[str], unsaved: Sequence[Path]) -> None:
        """Offer what was opened last, changes that were not saved first."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        offers = [(str(path), f"Restore unsaved {_told(path)}") for path in unsaved]
        files = [name for name in names if not name.startswith(EXAMPLE)]
        offers += [(name, Path(name).name) for name in files]
        for name, text in offers[:SHOWN]:
            button = QPushButton(text)
            button.setProperty("link", "true")
            button.setToolTip(name)
            button.setAccessibleName(f"Open {name}")
            button.clicked.connect(lambda *_, n=name: self.chosen.emit(n))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def recolour(self) -> None:
        """Draw the mark in the colours of the theme."""
        self._mark.setPixmap(theme.icon("model", theme.current().accent).pixmap(48, 48))

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for text, name, primary in (
            ("Open\u2026", "", True),
            ("Motion example", f"{EXAMPLE}motion", False),
            ("Digits example", f"{EXAMPLE}digits", False),
        ):
            button = QPushButton(text)
            button.setProperty("primary", "true" if primary else "false")
            button.setAccessibleName(text.rstrip("\u2026"))
            button.clicked.connect(lambda *_, n=name: self.chosen.emit(n))
            row.addWidget(button)
        row.addStretch(1)
        return row


def _told(copy: Path) -> str:
    """The project's name and when its copy was written."""
    name = copy.stem.rsplit("-", 2)[0]
    try:
        at = datetime.fromtimestamp(copy.stat().st_mtime)
    except OSError:
        return name
    return f"{name}, {at:%d %b %H:%M}"
