"""A link between two cards."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsSceneHoverEvent,
    QStyleOptionGraphicsItem,
    QWidget,
)

from studio.gui import theme
from studio.gui.canvas import paint
from studio.gui.canvas.card import CardItem

DROP_PX = 24
CLICK_PX = 8
"""How near a link a step is dropped onto it, and a click is meant for it."""


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
        self.hovered = False
        self._path = QPainterPath()
        self.setAcceptHoverEvents(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click to see the model here; drop a step to put it in between")
        self.follow()

    def follow(self) -> None:
        """Take up the cards' present positions."""
        self.prepareGeometryChange()
        self._path = curve(self.parent_card.right_port, self.child_card.left_port)

    def near(self, position: QPointF, reach_px: float = DROP_PX) -> bool:
        """Whether a scene position is close enough."""
        return self._around(reach_px).contains(position)

    def _around(self, reach_px: float) -> QPainterPath:
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * reach_px)
        return stroker.createStroke(self._path)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """The curve, its pen and the plus on it."""
        reach = paint.PLUS_PX + 2
        return self._path.boundingRect().adjusted(-reach, -reach, reach, reach)

    def shape(self) -> QPainterPath:
        """Where the mouse hovers over it."""
        return self._around(CLICK_PX)

    def hoverEnterEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Show that it can be clicked."""
        self.hovered = True
        self.update()

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Back to rest."""
        self.hovered = False
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the curve; with a plus while a step hovers over it."""
        palette, child = theme.current(), self.child_card.card
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.target or self.hovered or child.state == "running"
        pen = QPen(QColor(palette.accent if lit else palette.muted), 2.5 if self.target else 1.5)
        if child.state == "muted":
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)
        if self.target:
            paint.plus(painter, self._path.pointAtPercent(0.5))
