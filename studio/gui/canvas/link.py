"""A link between two cards."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from studio.gui import theme
from studio.gui.canvas.card import CardItem

REACH_PX = 24


def curve(start: QPointF, end: QPointF) -> QPainterPath:
    """A curve that leaves and arrives horizontally."""
    path = QPainterPath(start)
    bend = max(24.0, abs(end.x() - start.x()) / 2)
    path.cubicTo(start + QPointF(bend, 0), end - QPointF(bend, 0), end)
    return path


class LinkItem(QGraphicsItem):
    """Draws the way from `parent_card` to `child_card`."""

    def __init__(self, parent_card: CardItem, child_card: CardItem) -> None:
        super().__init__()
        self.parent_card = parent_card
        self.child_card = child_card
        self.target = False
        self._path = QPainterPath()
        self.follow()

    def follow(self) -> None:
        """Take up the cards' present positions."""
        self.prepareGeometryChange()
        self._path = curve(self.parent_card.right_port, self.child_card.left_port)

    def near(self, position: QPointF) -> bool:
        """Whether a scene position is close enough to drop a step onto the link."""
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * REACH_PX)
        return stroker.createStroke(self._path).contains(position)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """The curve and its pen."""
        return self._path.boundingRect().adjusted(-4, -4, 4, 4)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the curve, thick while a step hovers over it."""
        palette = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = palette.accent if self.target else palette.muted
        painter.setPen(QPen(QColor(colour), 3 if self.target else 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)
