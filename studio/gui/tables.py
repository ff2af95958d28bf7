"""Tables as the window shows them: quiet, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from studio.gui import theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ROW_PX = 28
FIRST_PX = 128


class Table(QTableWidget):
    """A read-only table.

    Args:
        name: for screen readers.
        columns: headings.
        first_number: from this column on, cells are numbers.
        empty: what to say while there are no rows.
        first_px: what the first column takes at least, where it needs as much.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        first_number: int,
        empty: str = "",
        first_px: int = FIRST_PX,
    ) -> None:
        super().__init__(0, len(columns))
        self.setAccessibleName(name)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setFont(theme.tabular())
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)  # Tab leads out of it, arrows lead through it
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        self._first_number, self._empty, self._first_px = first_number, empty, first_px
        self._shown: tuple[object, ...] = ()
        for column, text in enumerate(columns):
            heading = QTableWidgetItem(text)
            heading.setTextAlignment(self._alignment(column))
            self.setHorizontalHeaderItem(column, heading)
            mode = QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode if column else QHeaderView.ResizeMode.Fixed)

    def show_rows(self, rows: Sequence[Sequence[str]], source: str) -> None:
        """Show these texts; `source` says in tooltips where they come from."""
        wanted = (source, *map(tuple, rows))
        if wanted == self._shown:
            return
        self._shown = wanted
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(f"{text}\n{source}" if text else "")
                cell.setTextAlignment(self._alignment(column))
                self.setItem(row, column, cell)
        self.resizeColumnsToContents()
        self._spread()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say what comes here while there is nothing."""
        super().paintEvent(event)
        if self._empty and not self.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.current().muted))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, self._empty)
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the first column as wide as there is room."""
        super().resizeEvent(event)
        self._spread()

    @property
    def content_px(self) -> int:
        """The width in which every cell can be read."""
        return self._others_px + max(self.sizeHintForColumn(0), 0) + 2

    @property
    def _others_px(self) -> int:
        return sum(self.columnWidth(column) for column in range(1, self.columnCount()))

    def _spread(self) -> None:
        """The first column takes what the others leave, and at least what it can be read in."""
        wanted = min(max(self.sizeHintForColumn(0), 0), self._first_px)
        self.setColumnWidth(0, max(self.viewport().width() - self._others_px, wanted))

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        return RIGHT if column >= self._first_number else LEFT
