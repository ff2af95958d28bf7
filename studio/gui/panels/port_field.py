"""Where a board is: its serial port, from the list of those that are there, or typed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QComboBox

from studio.boards.ports import FoundPort, connected
from studio.targets.profile import Profile

NONE = "none: build and flash"
OWN = "made by the virtual board"


class PortField(QComboBox):
    """Emits `port_chosen` with a port, or "" for none; virtual boards have no choice."""

    port_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Port of the board")
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMinimumWidth(208)
        field = self.lineEdit()
        assert field is not None
        field.setAccessibleName("Port of the board")
        field.editingFinished.connect(self._chosen)
        self.activated.connect(self._chosen)
        self._board: Profile | None = None
        self._typed: dict[str, str] = {}  # each board has a port of its own

    @property
    def port(self) -> str:
        """The chosen port; "" where there is none, or where the board makes its own."""
        if self._board is None or self._board.virtual:
            return ""
        return self._typed.get(self._board.id, "")

    def show_board(self, board: Profile | None) -> None:
        """Offer the ports of another board; what is being typed for this one stays."""
        if board == self._board:
            return
        self._board, virtual = board, board is None or board.virtual
        self.setEnabled(not virtual)
        self.setToolTip(
            "Virtual boards make a port of their own when they start"
            if virtual
            else "The serial port of a board that runs the model already, such as /dev/ttyACM0, "
            "COM3 or socket://host:port: it is compared with the host, timed and watched"
        )
        self._fill(())

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """List what is connected now."""
        self._fill(connected())
        super().showPopup()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """An empty field means none."""
        super().focusOutEvent(event)
        self._say()

    def _fill(self, found: tuple[FoundPort, ...]) -> None:
        self.blockSignals(True)
        self.clear()
        self.addItem(NONE if self.isEnabled() else OWN, "")
        for one in found:
            mine = self._board is not None and self._board.id in one.boards
            about = f"{self._board.name}" if mine and self._board else one.description
            self.addItem(f"{one.port}   {about}" if about else one.port, one.port)
        self.blockSignals(False)
        self._say()

    def _chosen(self) -> None:
        row = self.findText(self.currentText())
        port = self.itemData(row) if row >= 0 else self.currentText().strip()
        changed = port != self.port
        if self._board is not None:
            self._typed[self._board.id] = port
        self._say()
        if changed:
            self.port_chosen.emit(port)

    def _say(self) -> None:
        """Show the port alone, whatever the list says of it."""
        self.setEditText(self.port or (NONE if self.isEnabled() else OWN))
        field = self.lineEdit()
        if field is not None:
            field.setCursorPosition(0)  # the beginning stays in view
