"""The confusion matrix of one evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui import figures, theme
from studio.gui.tables import RIGHT

if TYPE_CHECKING:
    from studio.model.evaluate import Evaluation


class ConfusionMatrix(QWidget):
    """True classes down, answers across; darker is more."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Confusion matrix")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._shown: Evaluation | None = None

    def show_evaluation(self, evaluation: Evaluation | None) -> None:
        """Show the confusion of one evaluation."""
        self._shown = evaluation
        if evaluation is not None:
            self.setAccessibleDescription(f"{evaluation.correct} of {evaluation.n} right")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Roughly square."""
        return QSize(360, 240)

    def _cells(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of a cell, in pixels."""
        assert self._shown is not None
        n = len(self._shown.confusion)
        left, top = 112.0, 24.0
        return (
            left,
            top,
            min((self.width() - left - 8) / n, 72),
            min((self.height() - top - 8) / n, 40),
        )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the cells and the names."""
        if self._shown is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled(0.92))
        palette, matrix = theme.current(), self._shown.confusion
        metrics = QFontMetricsF(painter.font())
        left, top, width, height = self._cells()
        most = max(int(matrix.max()), 1)
        for row in range(len(matrix)):
            name = self._shown.labels[row] if row < len(self._shown.labels) else str(row)
            painter.setPen(QColor(palette.muted))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, left - 16)
            painter.drawText(QRectF(0, top + row * height, left - 8, height), int(RIGHT), shown)
            head = QRectF(left + row * width, 0, width, top - 4)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width - 4)
            painter.drawText(head, int(Qt.AlignmentFlag.AlignCenter), shown)
            for column in range(len(matrix)):
                cell = QRectF(left + column * width, top + row * height, width - 2, height - 2)
                self._paint_cell(
                    painter, palette, cell, int(matrix[row, column]), row == column, most
                )

    def _paint_cell(
        self,
        painter: QPainter,
        palette: theme.Palette,
        cell: QRectF,
        n: int,
        right: bool,
        most: int,
    ) -> None:
        colour = QColor(palette.accent if right else palette.bad)
        colour.setAlphaF(0.10 + 0.35 * n / most if n else 0.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.hover))
        painter.drawRoundedRect(cell, 3, 3)
        painter.setBrush(colour)
        painter.drawRoundedRect(cell, 3, 3)
        if n and cell.width() > 16 and cell.height() > 12:
            painter.setPen(QColor(palette.text))
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), figures.grouped(n))

    def event(self, event: QEvent) -> bool:
        """Tooltips: what a cell counts."""
        if isinstance(event, QHelpEvent) and self._shown is not None:
            left, top, width, height = self._cells()
            column, row = int((event.x() - left) // width), int((event.y() - top) // height)
            n = len(self._shown.confusion)
            if 0 <= row < n and 0 <= column < n:
                names = [*self._shown.labels, *map(str, range(len(self._shown.labels), n))]
                count = int(self._shown.confusion[row, column])
                text = f"{count} of class {names[row]} were taken for {names[column]}"
                QToolTip.showText(
                    event.globalPos(), f"{text}\nMeasured: {self._shown.split} set", self
                )
            return True
        return super().event(event)
