"""Tables as the window shows them: quiet, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from studio.gui import theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ROW_PX = 28
FIRST_PX = 144


class Table(QTableWidget):
    """A read-only table.

    Args:
        name: for screen readers.
        columns: headings.
        first_number: from this column on, cells are numbers.
    """

    def __init__(self, name: str, columns: Sequence[str], first_number: int) -> None:
        super().__init__(0, len(columns))
        self.setAccessibleName(name)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setFont(theme.tabular())
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        self._first_number = first_number
        for column, text in enumerate(columns):
            heading = QTableWidgetItem(text)
            heading.setTextAlignment(self._alignment(column))
            self.setHorizontalHeaderItem(column, heading)
            mode = QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode if column else QHeaderView.ResizeMode.Fixed)

    def show_rows(self, rows: Sequence[Sequence[str]], source: str) -> None:
        """Show these texts; `source` says in tooltips where they come from."""
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(f"{text}\n{source}" if text else "")
                cell.setTextAlignment(self._alignment(column))
                self.setItem(row, column, cell)
        self.resizeColumnsToContents()
        self._spread()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the first column as wide as there is room."""
        super().resizeEvent(event)
        self._spread()

    def _spread(self) -> None:
        """The first column takes what the others leave, and at least what it can be read in."""
        others = sum(self.columnWidth(column) for column in range(1, self.columnCount()))
        wanted = min(max(self.sizeHintForColumn(0), 0), FIRST_PX)
        self.setColumnWidth(0, max(self.viewport().width() - others, wanted))

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        return RIGHT if column >= self._first_number else LEFT
