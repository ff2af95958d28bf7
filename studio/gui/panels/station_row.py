"""A station on the way to the board: how it stands, its figures, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.gui import theme
from studio.gui.canvas.paint import STATES

ICON_PX = 16
TITLE_PX = 72


@dataclass(frozen=True, slots=True)
class Station:
    """A line: what, how it stands, the figures, and where they come from."""

    title: str
    state: str
    figures: str = ""
    source: str = ""


class StationRow(QWidget):
    """Draws a Station; a line leads from its icon to the next one's."""

    def __init__(self) -> None:
        super().__init__()
        self.station: Station | None = None
        self._last = False
        self._icon, self.title = QLabel(), QLabel()
        self.figures, self.source = QLabel(), QLabel()
        self._icon.setFixedSize(ICON_PX, ICON_PX)
        self.title.setFixedWidth(TITLE_PX)
        self.title.setProperty("role", "title")
        self.figures.setFont(theme.tabular())
        self.source.setProperty("role", "muted")
        told = QVBoxLayout()
        told.setSpacing(2)
        for label in (self.figures, self.source):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            told.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 16)
        row.setSpacing(16)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.title, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(told, 1)

    def show_station(self, station: Station, last: bool) -> None:
        """Show this one; `last` has no line below it."""
        self.station, self._last = station, last
        self.title.setText(station.title)
        self.title.setAccessibleName(f"{station.title}: {station.state}")
        self.figures.setText(station.figures or station.state)
        self.figures.setToolTip(station.source)
        self.source.setText(station.source)
        self.source.setVisible(bool(station.source))
        self.recolour()

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        if self.station is not None:
            name, colour = STATES[self.station.state]
            ink = getattr(theme.current(), colour)
            self._icon.setPixmap(theme.icon(name, ink).pixmap(ICON_PX, ICON_PX))
            self._icon.setToolTip(self.station.state)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The line to the next station."""
        super().paintEvent(event)
        if not self._last:
            painter = QPainter(self)
            painter.setPen(QPen(QColor(theme.current().border), 1))
            x = ICON_PX / 2
            painter.drawLine(QPointF(x, ICON_PX + 4), QPointF(x, self.height() - 4))
