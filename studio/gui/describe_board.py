"""The form that describes a board: what the reader of profiles refuses stands at its field."""

from __future__ import annotations

from functools import partial
from itertools import count, pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import ProfileError
from studio.gui import theme
from studio.gui.layout import flat_button, plain_label, scrolled
from studio.targets.described import Described, Row
from studio.targets.profile import CORES

WIDTH_PX, HEIGHT_PX, LABEL_PX = 640, 560, 72
KINDS = {"flash": "Flash", "ram": "RAM"}
HOST = "host"


class RegionRow(QWidget):
    """The fields of one region of memory."""

    removed = Signal()
    edited = Signal()

    def __init__(self, row: Row, number: int) -> None:
        super().__init__()
        self.kind = QComboBox()
        for kind, text in KINDS.items():
            self.kind.addItem(text, kind)
        self.kind.setCurrentIndex(self.kind.findData(row.kind))
        self.kind.setAccessibleName(f"Kind of region {number}")
        self.kind.activated.connect(self.edited)
        self.name = self._field(row.name, "Name", number)
        self.address = self._field(row.address, "Address", number)
        self.length = self._field(row.size, "Size", number)
        self.length.setPlaceholderText("bytes, or 512K")
        self.remove = flat_button("\u2715", f"Remove region {number}")
        self.remove.clicked.connect(self.removed)
        self.told, self.touched = _told(), False
        self.edited.connect(self._touch)
        self.fields = (self.kind, self.name, self.address, self.length, self.remove)
        line = QHBoxLayout()
        line.setSpacing(8)
        for field, stretch in zip(self.fields, (0, 2, 3, 3, 0), strict=True):
            line.addWidget(field, stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.told)

    @property
    def row(self) -> Row:
        """What is typed."""
        texts = (self.name.text(), self.kind.currentData(), self.address.text(), self.length.text())
        return Row(*texts)

    def _touch(self) -> None:
        self.touched = True

    def _field(self, text: str, name: str, number: int) -> QLineEdit:
        field = QLineEdit(text)
        field.setPlaceholderText(name)
        field.setAccessibleName(f"{name} of region {number}")
        field.setFont(theme.tabular())
        field.textEdited.connect(self.edited)
        return field


class DescribeBoard(QDialog):
    """Name, part, core, clock and memory of a board; Save is there once all of it can be.

    Signals:
        described: the Profile, when the user wants it saved.
    """

    described = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Describe a board")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH_PX, HEIGHT_PX)
        self.name, self.mcu, self.clock = QLineEdit(), QLineEdit(), QLineEdit()
        self.core = QComboBox()
        self.core.addItems([core for core in CORES if core != HOST])
        self.core.setCurrentText(Described().core)
        self.rows: list[RegionRow] = []
        self._numbers = count(1)
        self.told: dict[str, QLabel] = {}
        self._touched: set[str] = set()
        self._regions = QVBoxLayout()
        self._regions.setSpacing(8)
        self.more = QPushButton("Add a region")
        self.more.clicked.connect(lambda: self._add(Row(self._free_name(), "ram", "", "")))
        self.missing = plain_label()
        self.missing.setProperty("role", "muted")
        self.missing.setWordWrap(True)
        self.save, self.cancel = QPushButton("Save\u2026"), QPushButton("Cancel")
        self.save.setProperty("primary", "true")
        self.save.clicked.connect(lambda: self.described.emit(self.board.profile("")))
        self.cancel.clicked.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addLayout(self._facts())
        column.addWidget(self._memory(), 1)
        column.addLayout(self._foot())
        self._add(Row("flash", "flash", "0x08000000", ""))
        self._add(Row("ram", "ram", "0x20000000", ""))
        self.name.setFocus()

    @property
    def board(self) -> Described:
        """What is typed."""
        return Described(
            self.name.text(),
            self.mcu.text(),
            self.core.currentText(),
            self.clock.text(),
            tuple(row.row for row in self.rows),
        )

    def check(self, touched: str = "") -> None:
        """Say at each field that was touched what the reader refuses of it."""
        self._touched.add(touched)
        problems = self.board.problems()
        for field, label in self.told.items():
            _tell(label, problems.get(field) if field in self._touched else None)
        for index, row in enumerate(self.rows):
            _tell(row.told, problems.get(f"memory {index}") if row.touched else None)
        rest = next(iter(problems.values()), None)
        self.missing.setText(f"To save: {rest.what}; {rest.hint}." if rest else "")
        self.save.setEnabled(not problems)

    def refuse(self, error: ProfileError) -> None:
        """Say why it was not saved."""
        self.missing.setText(f"Not saved: {error}")

    # ---- putting together ------------------------------------------------------------------

    def _facts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, LABEL_PX)
        grid.setColumnStretch(1, 1)
        self.clock.setPlaceholderText("MHz; nothing where it is not known")
        self.mcu.setPlaceholderText("STM32F401RE")
        fields = (
            ("name", "Name", self.name), ("mcu", "Part", self.mcu),
            ("core", "Core", self.core), ("clock", "Clock", self.clock),
        )  # fmt: skip
        for at, (field, text, widget) in enumerate(fields):
            label = QLabel(text)
            label.setBuddy(widget)
            widget.setAccessibleName(f"{text} of the board")
            self.told[field] = _told()
            grid.addWidget(label, 2 * at, 0)
            grid.addWidget(widget, 2 * at, 1)
            grid.addWidget(self.told[field], 2 * at + 1, 1)
            if isinstance(widget, QLineEdit):
                widget.textEdited.connect(partial(self._typed, field))
        self.core.activated.connect(partial(self._typed, "core"))
        return grid

    def _memory(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        title = QLabel("Memory, the largest region of a kind first")
        title.setProperty("role", "muted")
        self.told["memory"] = _told()
        column.addWidget(title)
        column.addLayout(self._regions)
        column.addWidget(self.told["memory"])
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return scrolled(inner)

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.missing, 1)
        row.addWidget(self.cancel)
        row.addWidget(self.save)
        self.save.setDefault(True)
        return row

    def _add(self, row: Row) -> None:
        region = RegionRow(row, next(self._numbers))
        region.edited.connect(lambda: self.check("memory"))
        region.removed.connect(partial(self._remove, region))
        self.rows.append(region)
        self._regions.addWidget(region)
        self._lead_tab()
        self.check()

    def _free_name(self) -> str:
        """A name for a region that no other one has."""
        taken = {row.name.text() for row in self.rows}
        return next(name for i in count(len(self.rows)) if (name := f"ram{i}") not in taken)

    def _lead_tab(self) -> None:
        """Tab goes down the form; rows come later than the buttons below them."""
        passed: list[QWidget] = [self.name, self.mcu, self.core, self.clock]
        passed += [field for row in self.rows for field in row.fields]
        for first, second in pairwise([*passed, self.more, self.cancel, self.save]):
            QWidget.setTabOrder(first, second)

    def _remove(self, region: RegionRow) -> None:
        self.rows.remove(region)
        self._regions.removeWidget(region)
        region.hide()
        region.deleteLater()
        self.check("memory")

    def _typed(self, field: str, *_: object) -> None:
        self.check(field)


def _told() -> QLabel:
    label = plain_label()
    label.setProperty("role", "bad")
    label.setWordWrap(True)
    label.hide()
    return label


def _tell(label: QLabel, error: ProfileError | None) -> None:
    what = f"{error.what[:1].upper()}{error.what[1:]}" if error else ""
    label.setText(f"{what}; {error.hint}" if error else "")
    label.setVisible(error is not None)
