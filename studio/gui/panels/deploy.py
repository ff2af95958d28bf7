"""The way to the board, station by station: build, flash, verify, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.panels.empty import empty_page

STATES = {
    "done": ("done", "good"),
    "running": ("busy", "accent"),
    "failed": ("failed", "bad"),
    "waiting": ("waiting", "muted"),
}


@dataclass(frozen=True, slots=True)
class Station:
    """A line: what, how it stands, the figures, and where they come from."""

    title: str
    state: str
    figures: str = ""
    source: str = ""


class DeployPanel(QStackedWidget):
    """Shows the stations of the last deployment."""

    flash_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.addWidget(
            empty_page(
                "Build the firmware, put it on the board and compare it with the host.",
                "Flash and verify",
                self.flash_requested.emit,
            )
        )
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 12, 16, 12)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        column.addWidget(self.title)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnMinimumWidth(1, 96)
        self._grid.setColumnStretch(2, 3)
        self._grid.setColumnStretch(3, 2)
        column.addSpacing(8)
        column.addLayout(self._grid)
        column.addStretch(1)
        self.addWidget(page)
        self._rows: list[tuple[QLabel, ...]] = []

    def show_stations(self, title: str, stations: Sequence[Station]) -> None:
        """Show these stations, or what to do where there are none."""
        self.setCurrentIndex(1 if stations else 0)
        self.title.setText(title)
        while len(self._rows) < len(stations):
            self._add_row()
        for at, row in enumerate(self._rows):
            shown = at < len(stations)
            for label in row:
                label.setVisible(shown)
            if shown:
                self._fill(row, stations[at])

    def _add_row(self) -> None:
        row = tuple(QLabel() for _ in range(4))
        for column, label in enumerate(row):
            self._grid.addWidget(label, len(self._rows), column)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label in row:
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for label in row[2:]:
            label.setWordWrap(True)
        row[2].setFont(theme.tabular())
        row[3].setProperty("role", "muted")
        self._rows.append(row)

    def _fill(self, row: tuple[QLabel, ...], station: Station) -> None:
        icon, colour = STATES[station.state]
        ink = getattr(theme.current(), colour)
        row[0].setPixmap(theme.icon(icon, ink).pixmap(16, 16))
        row[0].setToolTip(station.state)
        row[1].setText(station.title)
        row[1].setAccessibleName(f"{station.title}: {station.state}")
        row[2].setText(station.figures)
        row[2].setToolTip(station.source)
        row[3].setText(station.source)
