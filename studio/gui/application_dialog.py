"""The dialog on the user's own application: a linked file, and numbers by hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.gui import figures
from studio.gui.layout import plain_label, tooltip
from studio.project import MOST_BYTES, Application

WIDTH_PX, NAME_PX = 480, 176
FILTER = "Firmware and maps (*.elf *.axf *.out *.map);;All files (*)"


class ApplicationDialog(QDialog):
    """Asks what flash and RAM the user's firmware takes beside the model.

    Signals:
        answered: file, bytes of flash and bytes of RAM.
    """

    answered = Signal(str, int, int)

    def __init__(self, parent: QWidget, application: Application) -> None:
        super().__init__(parent)
        self.setWindowTitle("My application")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH_PX)
        self.file = application.file
        self.name, self.pick = plain_label(), QPushButton("Choose a file\u2026")
        self.pick.setAccessibleName("Choose an ELF file or linker map")
        self.pick.clicked.connect(self._ask)
        self.drop = QPushButton("Remove")
        self.drop.setAccessibleName("Remove the file of my application")
        self.drop.clicked.connect(lambda: self.show_file(""))
        self.flash = self._bytes("Flash by hand", application.flash_bytes)
        self.ram = self._bytes("RAM by hand", application.ram_bytes)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        for button in self.buttons.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
        self.accepted.connect(
            lambda: self.answered.emit(self.file, self.flash.value(), self.ram.value())
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self._about())
        column.addSpacing(8)
        column.addLayout(self._fields())
        column.addSpacing(8)
        column.addWidget(self.buttons)
        self.show_file(self.file)

    def show_file(self, file: str) -> None:
        """Show which file is read."""
        self.file = file
        self.name.ensurePolished()
        metrics, name = self.name.fontMetrics(), Path(file).name if file else "none"
        self.name.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, NAME_PX))
        self.name.setToolTip(tooltip(file))
        self.drop.setEnabled(bool(file))

    def _about(self) -> QLabel:
        about = QLabel(
            "What the rest of your firmware takes is counted on every board, beside the model. "
            "Read it from the firmware's ELF file or linker map, give numbers, or both: "
            "numbers come on top of the file."
        )
        about.setWordWrap(True)
        about.setProperty("role", "muted")
        return about

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        file = QHBoxLayout()
        file.setSpacing(8)
        file.addWidget(self.name, 1)
        file.addWidget(self.pick)
        file.addWidget(self.drop)
        grid.addWidget(QLabel("File"), 0, 0)
        grid.addLayout(file, 0, 1)
        for row, (text, field) in enumerate((("Flash", self.flash), ("RAM", self.ram)), 1):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _bytes(self, name: str, value: int) -> QSpinBox:
        field = QSpinBox()
        field.setRange(0, MOST_BYTES)
        field.setSingleStep(1024)
        field.setSuffix(f"{figures.THIN}B")
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setValue(value)
        field.setAccessibleName(name)
        return field

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Firmware or linker map", "", FILTER)
        if path:
            self.show_file(path)
