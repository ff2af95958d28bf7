"""The way to the board, station by station: build, flash, verify, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.panels.empty import empty_page
from studio.project import CHOICES

COMPILERS = {"zig": "zig (comes along)", "gcc": "arm-none-eabi-gcc"}
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


class DeployPanel(QWidget):
    """The compiler to take, and the stations of the last deployment."""

    flash_requested = Signal()
    toolchain_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.toolchain = QComboBox()
        self.toolchain.setAccessibleName("C compiler for boards")
        self.toolchain.setToolTip("Builds the firmware; the virtual host takes this computer's own")
        for name in CHOICES["toolchain"]:
            self.toolchain.addItem(COMPILERS.get(name, name), name)
        self.toolchain.activated.connect(
            lambda: self.toolchain_chosen.emit(self.toolchain.currentData())
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(
            empty_page(
                "Build the firmware, put it on the board and compare it with the host.",
                "Flash and verify",
                self.flash_requested.emit,
            )
        )
        self.pages.addWidget(self._stations())
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        column.addLayout(self._head())
        column.addWidget(self.pages, 1)
        self._rows: list[tuple[QLabel, ...]] = []

    def _head(self) -> QHBoxLayout:
        label = QLabel("Compiler")
        label.setProperty("role", "muted")
        label.setBuddy(self.toolchain)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.title, 1)
        row.addWidget(label)
        row.addWidget(self.toolchain)
        return row

    def _stations(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnMinimumWidth(1, 96)
        self._grid.setColumnStretch(2, 3)
        self._grid.setColumnStretch(3, 2)
        column.addLayout(self._grid)
        column.addStretch(1)
        return page

    def show_toolchain(self, name: str) -> None:
        """Show which compiler is chosen."""
        self.toolchain.setCurrentIndex(self.toolchain.findData(name))

    def show_stations(self, title: str, stations: Sequence[Station]) -> None:
        """Show these stations, or what to do where there are none."""
        self.pages.setCurrentIndex(1 if stations else 0)
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
