"""A node of the pipeline: what its card shows, and the item on the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsSceneHoverEvent,
    QStyleOptionGraphicsItem,
    QWidget,
)

from studio.gui.canvas import paint

WIDTH_PX = paint.WIDTH_PX
HEIGHT_PX = paint.HEIGHT_PX
PORT_REACH_PX = 12


class Mini(NamedTuple):
    """A small figure.

    Attributes:
        value: with its unit.
        change: what it is, and how it differs from the card before.
        share: of a whole bar, 0 to 1, or None for no bar.
        tone: the colour of the palette for the change.
        over: whether it is more than the board has.
    """

    value: str
    change: str = ""
    share: float | None = None
    tone: str = "muted"
    over: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows.

    Attributes:
        id: the node.
        title: its name.
        state: a key of paint.STATES.
        state_text: the state in a word, such as "done" or "62 %".
        figures: accuracy, flash and RAM.
        detail: what is wrong, in place of the figures.
        tooltip: where the figures come from.
        progress: 0 to 1 while running, or None.
        letter: of the variant where there are several to tell apart.
        icon: of the kind of step.
    """

    id: str
    title: str
    state: str = "ready"
    state_text: str = ""
    figures: tuple[Mini, ...] = ()
    detail: str = ""
    tooltip: str = ""
    progress: float | None = None
    letter: str = ""
    icon: str = "step"

    @property
    def full_title(self) -> str:
        """The letter of the variant, and the name."""
        return f"{self.letter}  {self.title}" if self.letter else self.title


class CardItem(QGraphicsItem):
    """Draws a Card; its ports are at the middle of the left and right edge."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.setAcceptHoverEvents(True)
        self.setZValue(1)
        self.card = card
        self.hovered = False
        self.port_hovered = False
        self.target = False
        self.show_card(card)

    def show_card(self, card: Card) -> None:
        """Show other contents at the same place."""
        self.card = card
        self.setToolTip(card.tooltip)
        self.update()

    @property
    def frame(self) -> QRectF:
        """The card without its ports, in the scene."""
        return QRectF(self.x(), self.y(), WIDTH_PX, HEIGHT_PX)

    @property
    def left_port(self) -> QPointF:
        """Scene position of the input port."""
        return self.mapToScene(0, HEIGHT_PX / 2)

    @property
    def right_port(self) -> QPointF:
        """Scene position of the output port."""
        return self.mapToScene(WIDTH_PX, HEIGHT_PX / 2)

    def on_right_port(self, scene_position: QPointF) -> bool:
        """Whether a position grabs the output port."""
        away = self.right_port - scene_position
        return abs(away.x()) <= PORT_REACH_PX and abs(away.y()) <= PORT_REACH_PX

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """The card, its ports and its shadow."""
        reach = PORT_REACH_PX
        return QRectF(-reach, -4, WIDTH_PX + 2 * reach, HEIGHT_PX + 8)

    def hoverEnterEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Show that the card can be taken."""
        self._hover(True, self.on_right_port(event.scenePos()))

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Over the output port, show that a step can be added there."""
        self._hover(True, self.on_right_port(event.scenePos()))

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Back to rest."""
        self._hover(False, False)

    def _hover(self, card: bool, port: bool) -> None:
        if (card, port) == (self.hovered, self.port_hovered):
            return
        self.hovered, self.port_hovered = card, port
        self.setToolTip("Click or drag to add a step" if port else self.card.tooltip)
        if port:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the frame, the text and the ports."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        paint.frame(painter, self.card.state, self.isSelected() or self.target, self.hovered)
        paint.contents(painter, self.card)
        if self.card.id:
            paint.port(painter, QPointF(0, HEIGHT_PX / 2), False)
        paint.port(painter, QPointF(WIDTH_PX, HEIGHT_PX / 2), self.port_hovered, self.hovered)
