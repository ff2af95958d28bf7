"""What the window asks to open a file: to run its code, shapes of inputs, which device."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import AgreementNeeded, DeviceNeeded, ShapesNeeded, StudioError
from studio.model.importers import shape_from

WIDTH_PX = 480
Shapes = tuple[tuple[int, ...], ...]


class Question(QDialog):
    """A dialog with one button that goes on and Cancel, which is chosen at first.

    Signals:
        answered: the shapes of the inputs that the user gave, a tuple, empty where not asked;
            of `DeviceQuestion`, the name of the device.
    """

    answered = Signal(object)

    def __init__(self, parent: QWidget, title: str, where: str, text: str, go_on: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH_PX)
        self.go_on = QPushButton(go_on)
        self.cancel = QPushButton("Cancel")
        self.go_on.setAutoDefault(False)
        self.go_on.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(16, 16, 16, 16)
        self.column.setSpacing(8)
        for line, role in ((title, "title"), (where, "muted"), (text, "")):
            label = QLabel(line)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setProperty("role", role)
            self.column.addWidget(label)
        self.accepted.connect(self._answer)

    def ask(self) -> None:
        """Show it; the window goes on meanwhile."""
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.go_on)
        self.column.addLayout(row)
        self.open()

    def _answer(self) -> None:
        self.answered.emit(())


class ShapesQuestion(Question):
    """Asks for the shape of one sample of each input."""

    def __init__(self, parent: QWidget, where: str) -> None:
        text = "Give that of one sample, without the batch: 3x32x32. Several inputs: 3x32x32; 10."
        super().__init__(
            parent, "The file does not say the shape of its inputs", where, text, "Open"
        )
        self.line = QLineEdit()
        self.line.setPlaceholderText("3x32x32")
        self.line.setAccessibleName("Shape of one sample of each input")
        self.line.textChanged.connect(self._typed)
        self.told = QLabel("")
        self.told.setProperty("role", "bad")
        self.column.addWidget(self.line)
        self.column.addWidget(self.told)
        self.go_on.setEnabled(False)
        self.go_on.setDefault(True)
        self.line.setFocus()

    def _shapes(self) -> Shapes:
        return tuple(shape_from(text) for text in self.line.text().split(";") if text.strip())

    def _typed(self) -> None:
        told = ""
        try:
            self._shapes()
        except ValueError as error:
            told = str(error)
        self.told.setText(told)
        self.go_on.setEnabled(not told and bool(self.line.text().strip(" ;")))

    def _answer(self) -> None:
        self.answered.emit(self._shapes())


class DeviceQuestion(Question):
    """Asks which device of a description is meant; its answer is the device's name."""

    def __init__(self, parent: QWidget, error: DeviceNeeded) -> None:
        text = f"It describes {len(error.devices)} devices. Choose the one on your board."
        super().__init__(parent, "Which device?", error.where, text, "Choose")
        self.field, self.list = QLineEdit(), QListWidget()
        self.field.setPlaceholderText("Find a device")
        self.field.setAccessibleName("Find a device")
        self.field.textChanged.connect(self._filter)
        self.list.setAccessibleName("Devices of the description")
        self.list.setUniformItemSizes(True)
        self.list.addItems(error.devices)
        self.list.currentItemChanged.connect(self._turned)
        self.list.itemDoubleClicked.connect(self.accept)
        self.told = QLabel("None of them has this in its name.")
        self.told.setProperty("role", "muted")
        self.column.addWidget(self.field)
        self.column.addWidget(self.told)
        self.column.addWidget(self.list, 1)
        self.go_on.setDefault(True)
        self.field.setFocus()
        self._filter("")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Down leads from the field into the list."""
        if event.key() == Qt.Key.Key_Down:
            self.list.setFocus()
        else:
            super().keyPressEvent(event)

    def _filter(self, query: str) -> None:
        """Show the devices with this in their name, and mark the first of them."""
        items = [self.list.item(row) for row in range(self.list.count())]
        for item in items:
            item.setHidden(query.strip().lower() not in item.text().lower())
        shown = [item for item in items if not item.isHidden()]
        self.list.setCurrentItem(shown[0] if shown else None)  # type: ignore[arg-type]
        self.told.setVisible(not shown)
        self._turned()

    def _turned(self, *_: object) -> None:
        self.go_on.setEnabled(self.list.currentItem() is not None)

    def _answer(self) -> None:
        self.answered.emit(self.list.currentItem().text())


def question_for(parent: QWidget, error: StudioError) -> Question | None:
    """The question whose answer would help where opening failed; None where there is none."""
    if isinstance(error, AgreementNeeded):
        title = "This file runs code when it is loaded"
        asked = (
            f"{error.what[:1].upper()}{error.what[1:]}. Open it if you trust where it comes from."
        )
        return Question(parent, title, error.where, asked, "Open anyway")
    if isinstance(error, DeviceNeeded):
        return DeviceQuestion(parent, error)
    if isinstance(error, ShapesNeeded):
        return ShapesQuestion(parent, error.where)
    return None
