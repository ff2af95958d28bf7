"""A field that pops up over a card to name it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

WIDTH_PX = 216


class NameField(QFrame):
    """Enter names, Esc or a click elsewhere leaves the name as it is."""

    named = Signal(str)

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self.field = QLineEdit(name)
        self.field.setAccessibleName("Name of the step")
        self.field.selectAll()
        self.field.returnPressed.connect(self._finish)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.field)
        self.setFixedWidth(WIDTH_PX)

    def show_at(self, place: QPoint) -> None:
        """Open at a global position."""
        self.move(place)
        self.show()
        self.field.setFocus()

    def _finish(self) -> None:
        self.named.emit(self.field.text())
        self.close()
