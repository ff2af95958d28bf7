"""Accuracy of every node that was run, and the confusion of the selected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from studio.gui import figures, theme
from studio.gui.panels.empty import empty_page
from studio.gui.tables import RIGHT, Table

if TYPE_CHECKING:
    from studio.model.evaluate import Evaluation


@dataclass(frozen=True, slots=True)
class Measured:
    """A node that was evaluated."""

    node: str
    title: str
    evaluation: Evaluation


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


class AccuracyPanel(QStackedWidget):
    """A table of nodes beside the confusion matrix."""

    COLUMNS = ("Node", "Accuracy", "Change", "Right")

    def __init__(self) -> None:
        super().__init__()
        self.table = Table("Accuracy of the nodes", self.COLUMNS, 1)
        self.matrix = ConfusionMatrix()
        self.caption = QLabel()
        self.caption.setProperty("role", "muted")
        side = QVBoxLayout()
        side.setContentsMargins(0, 8, 16, 8)
        side.addWidget(self.caption)
        side.addWidget(self.matrix, 1)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self.table, 1)
        row.addLayout(side, 1)
        self.caption.setWordWrap(True)
        empty = empty_page(
            "Run the pipeline on labelled data to compare float and integer accuracy."
        )
        self.addWidget(empty)
        self.addWidget(page)

    def show_results(self, measured: Sequence[Measured], selected: str) -> None:
        """Compare these nodes; the first is what the others are compared with."""
        self.setCurrentIndex(1 if measured else 0)
        splits = ", ".join(dict.fromkeys(one.evaluation.split for one in measured))
        rows = [_texts(one, measured[0]) for one in measured]
        self.table.show_rows(rows, f"Measured: {splits} set, onnxruntime")
        chosen = next((one for one in measured if one.node == selected), None)
        chosen = chosen or (measured[-1] if measured else None)
        self.matrix.show_evaluation(chosen.evaluation if chosen else None)
        self.caption.setText(
            f"Confusion of {chosen.title}: true class down, answer across" if chosen else ""
        )


def _texts(one: Measured, first: Measured) -> tuple[str, ...]:
    evaluation = one.evaluation
    points = 100 * (evaluation.accuracy - first.evaluation.accuracy)
    change = f"{points:+.1f}{figures.THIN}pt".replace("-", figures.MINUS)
    return (
        one.title,
        figures.percent(evaluation.accuracy),
        change if one is not first else "",
        f"{figures.grouped(evaluation.correct)} of {figures.grouped(evaluation.n)}",
    )
