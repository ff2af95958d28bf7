"""What would make the model fit: a line a change, each a click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui import theme
from studio.gui.layout import plain_label


@dataclass(frozen=True, slots=True)
class Line:
    """A change: what, what it does, and where that is known from."""

    what: str
    effect: str
    fits: bool
    tooltip: str


class AdviceList(QWidget):
    """Shown only where there is something to say.

    Signals:
        taken: the number of the change that was clicked.
    """

    taken = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.title = plain_label()
        self.title.setProperty("role", "muted")
        self.title.setWordWrap(True)
        self.title.setIndent(3)  # as far in as the text of a link
        self.buttons: list[QPushButton] = []
        self._shown: tuple[str, tuple[Line, ...]] = ("", ())
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 8, 4, 8)
        self._column.setSpacing(4)
        self._column.addWidget(self.title)
        self._rows: list[QWidget] = []
        self.hide()

    def show_lines(self, title: str, lines: Sequence[Line]) -> None:
        """Show these changes; nothing where the title is "", as the model fits."""
        self.setVisible(bool(title))
        if self._shown == (title, tuple(lines)):
            return
        self._shown = (title, tuple(lines))
        self.title.setText(title)
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.buttons = []
        self._rows = [self._row(number, line) for number, line in enumerate(lines)]
        for row in self._rows:
            self._column.addWidget(row)

    def _row(self, number: int, line: Line) -> QWidget:
        row, effect = QWidget(), QLabel(line.effect)
        button = QPushButton(line.what)
        button.setProperty("link", "true")
        button.setToolTip(line.tooltip)
        button.setAccessibleName(f"{line.what}: {line.effect}")
        button.clicked.connect(partial(self._take, number))
        effect.setProperty("role", "good" if line.fits else "muted")
        effect.setFont(theme.tabular())
        box = QHBoxLayout(row)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(button)
        box.addStretch(1)
        box.addWidget(effect)
        self.buttons.append(button)
        return row

    def _take(self, number: int) -> None:
        for button in self.buttons:
            button.setEnabled(False)  # a double click takes it once
        self._shown = ("", ())
        self.taken.emit(number)
