"""Signal against quantisation noise of every layer, as bars; the worst in red."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui import figures, theme

if TYPE_CHECKING:
    from studio.session.state import Noise

ROW_PX, NAME_PX, FIGURE_PX = 24, 136, 72
MOST_DB = 60.0
"""A full bar."""
POOR_DB = 15.0
"""Below it a layer loses more than a step or two of its input: it deserves more bits."""
NOTHING_ALIKE = "No layer has the shape that it has in the source: nothing to compare."
EMPTY = "Run a quantised variant to see which layer loses how much."


class NoiseBars(QWidget):
    """One bar a layer, in the order of computation."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Noise of the layers")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._noise: Noise | None = None
        self._layers: tuple[str, ...] = ()
        self._layer = ""

    def show_noise(self, noise: Noise | None, layers: tuple[str, ...]) -> None:
        """Show these; `layers` are the names of the nodes that compute the values."""
        self._noise, self._layers = noise, layers
        rows = len(layers)
        self.setMinimumHeight(rows * ROW_PX + 16)
        if noise is not None and noise.layers:
            worst = min(range(rows), key=lambda row: noise.layers[row].sqnr_db)
            told = f"worst: {layers[worst]}, {_decibels(noise.layers[worst].sqnr_db)}"
            self.setAccessibleDescription(told)
        self.update()

    def show_layer(self, layer: str) -> None:
        """Mark a layer."""
        self._layer = layer
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw name, bar and figure of each layer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled(0.92))
        palette = theme.current()
        if self._noise is None or not self._noise.layers:
            text = EMPTY if self._noise is None else NOTHING_ALIKE
            painter.setPen(QColor(palette.muted))
            wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(wrapped), text)
            return
        for row, found in enumerate(self._noise.layers):
            self._paint_row(painter, palette, row, found.sqnr_db)

    def _paint_row(
        self, painter: QPainter, palette: theme.Palette, row: int, decibels: float
    ) -> None:
        y, name = 8 + row * ROW_PX, self._layers[row]
        if name == self._layer:
            painter.fillRect(QRectF(0, y, self.width(), ROW_PX), QColor(palette.hover))
        shown = QFontMetricsF(painter.font()).elidedText(
            name, Qt.TextElideMode.ElideMiddle, NAME_PX - 16
        )
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(palette.text))
        painter.drawText(QRectF(8, y, NAME_PX - 16, ROW_PX), middle, shown)
        bar = QRectF(NAME_PX, y + 8, max(self.width() - NAME_PX - FIGURE_PX - 16, 8), 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.track))
        painter.drawRoundedRect(bar, 4, 4)
        share = min(max(decibels / MOST_DB, 0.01), 1.0)
        bar.setWidth(bar.width() * share)
        poor = decibels < POOR_DB
        painter.setBrush(QColor(palette.bad if poor else palette.accent))
        painter.drawRoundedRect(bar, 4, 4)
        painter.setPen(QColor(palette.bad if poor else palette.muted))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        box = QRectF(self.width() - FIGURE_PX - 16, y, FIGURE_PX, ROW_PX)
        painter.drawText(box, right, _decibels(decibels))

    def _row_at(self, position: QPointF) -> int | None:
        row = int((position.y() - 8) // ROW_PX)
        return row if 0 <= row < len(self._layers) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose a layer."""
        row = self._row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.layer_chosen.emit(self._layers[row])

    def event(self, event: QEvent) -> bool:
        """Tooltips: the figure and where it comes from."""
        if isinstance(event, QHelpEvent) and self._noise is not None:
            row = self._row_at(QPointF(event.pos()))
            text = ""
            if row is not None:
                found = self._noise.layers[row]
                text = (
                    f"{found.value}: {_decibels(found.sqnr_db)}\n"
                    f"Measured: against the source model, {self._noise.samples} test samples"
                )
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _decibels(value: float) -> str:
    if math.isinf(value) and value > 0:
        return "exact"
    return f"{value:.1f}{figures.THIN}dB".replace("-", figures.MINUS)
