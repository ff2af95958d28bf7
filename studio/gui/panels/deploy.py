"""The way to the board, station by station: build, flash, verify, time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from studio.gui.layout import plain_label, scrolled
from studio.gui.panels.empty import empty_page
from studio.gui.panels.port_field import PortField
from studio.gui.panels.station_row import Station, StationRow
from studio.project import CHOICES
from studio.targets.profile import Profile

COMPILERS = {"zig": "zig (comes along)", "gcc": "arm-none-eabi-gcc"}


class DeployPanel(QWidget):
    """The compiler and the port to take, and the stations of the last deployment."""

    flash_requested = Signal()
    toolchain_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = plain_label()
        self.title.setProperty("role", "title")
        self.port = PortField()
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
        self.pages.addWidget(scrolled(self._stations(), "Stations of the deployment"))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        column.addLayout(self._head())
        column.addWidget(self.pages, 1)
        self.rows: list[StationRow] = []

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for text, field in (("Compiler", self.toolchain), ("Port", self.port)):
            label = QLabel(text)
            label.setProperty("role", "muted")
            label.setBuddy(field)
            row.addWidget(label)
            row.addWidget(field)
            row.addSpacing(8)
        row.addStretch(1)
        return row

    def _stations(self) -> QWidget:
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 8, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.title)
        self._column.addSpacing(16)
        self._column.addStretch(1)
        return page

    def show_choices(self, toolchain: str, board: Profile | None) -> None:
        """Show which compiler is chosen, and for which board a port is."""
        self.toolchain.setCurrentIndex(self.toolchain.findData(toolchain))
        self.port.show_board(board)

    def show_stations(self, title: str, stations: Sequence[Station]) -> None:
        """Show these stations, or what to do where there are none."""
        self.pages.setCurrentIndex(1 if stations else 0)
        self.title.setText(title)
        while len(self.rows) < len(stations):
            self.rows.append(StationRow())
            self._column.insertWidget(self._column.count() - 1, self.rows[-1])
        for at, row in enumerate(self.rows):
            row.setVisible(at < len(stations))
            if at < len(stations):
                row.show_station(stations[at], at == len(stations) - 1)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        for row in self.rows:
            row.recolour()
