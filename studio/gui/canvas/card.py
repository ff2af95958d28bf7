"""A node of the pipeline: title, state, figures, detail."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from studio.gui import theme

WIDTH_PX = 224
HEIGHT_PX = 88
RADIUS_PX = 8
PORT_PX = 5
PORT_REACH_PX = 12
PADDING_PX = 12

COLUMNS = ((12, 76, 152), (60, 74, 68))
"""Left edges and widths of accuracy, flash and RAM."""

STATES = {
    "done": ("done", "good"),
    "ready": ("waiting", "muted"),
    "stale": ("waiting", "accent"),
    "waiting": ("waiting", "muted"),
    "running": ("busy", "accent"),
    "failed": ("failed", "bad"),
    "muted": ("muted", "muted"),
}
"""State to icon and colour of the palette."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows.

    Attributes:
        id: the node.
        title: its name.
        state: a key of STATES.
        state_text: the state in a word, such as "done" or "62 %".
        figures: accuracy, flash and RAM, each with its change against the card before.
        detail: a line in place of the changes.
        tooltip: where the figures come from.
        progress: 0 to 1 while running, or None.
    """

    id: str
    title: str
    state: str = "ready"
    state_text: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    tooltip: str = ""
    progress: float | None = None

    @property
    def summary(self) -> str:
        """The figures with their changes, on one line."""
        pairs = (" ".join(filter(None, pair)) for pair in self.figures)
        return "   ".join(filter(None, pairs))


class CardItem(QGraphicsItem):
    """Draws a Card; its ports are at the middle of the left and right edge."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.setAcceptHoverEvents(True)
        self.setZValue(1)
        self.card = card
        self.hovered = False
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
        """The card and its ports."""
        reach = PORT_REACH_PX
        return QRectF(-reach, -2, WIDTH_PX + 2 * reach, HEIGHT_PX + 4)

    def hoverEnterEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Show that the card can be taken."""
        self.hovered = True
        self.update()

    def hoverLeaveEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Back to rest."""
        self.hovered = False
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the frame, the text and the ports."""
        palette = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(0.6 if self.card.state == "muted" else 1.0)
        marked = self.isSelected() or self.target
        edge = palette.accent if marked else palette.muted if self.hovered else palette.border
        painter.setPen(QPen(QColor(edge), 2 if marked else 1))
        painter.setBrush(QColor(palette.card))
        painter.drawRoundedRect(QRectF(0, 0, WIDTH_PX, HEIGHT_PX), RADIUS_PX, RADIUS_PX)
        self._paint_text(painter, palette)
        self._paint_progress(painter, palette)
        painter.setOpacity(1.0)
        painter.setPen(QPen(QColor(palette.muted), 1.5))
        painter.setBrush(QColor(palette.canvas))
        ports = (0, WIDTH_PX) if self.card.id else (WIDTH_PX,)
        for x in ports:
            painter.drawEllipse(QPointF(x, HEIGHT_PX / 2), PORT_PX, PORT_PX)

    def _paint_text(self, painter: QPainter, palette: theme.Palette) -> None:
        card, inside = self.card, WIDTH_PX - 2 * PADDING_PX
        icon, colour = STATES[card.state]
        small = theme.scaled(0.92)
        state_width = 0.0
        if card.state_text:
            width = QFontMetricsF(small).horizontalAdvance(card.state_text)
            x = WIDTH_PX - PADDING_PX - width
            ink = getattr(palette, colour)
            _line(painter, x, 12, width + 1, card.state_text, small, ink)
            painter.drawPixmap(
                QRectF(x - 16, 15, 12, 12), theme.pixmap(icon, ink, 36), QRectF(0, 0, 36, 36)
            )
            state_width = width + 22
        bold = theme.scaled(1.0, bold=True)
        _line(painter, PADDING_PX, 12, inside - state_width, card.title, bold, palette.text)
        for x, width, (figure, change) in zip(*COLUMNS, card.figures, strict=False):
            _line(painter, x, 36, width, figure, theme.tabular(), palette.text)
            if not card.detail:
                _line(painter, x, 58, width, change, small, palette.muted)
        _line(painter, PADDING_PX, 58, inside, card.detail, small, palette.muted)

    def _paint_progress(self, painter: QPainter, palette: theme.Palette) -> None:
        if self.card.progress is None:
            return
        bar = QRectF(PADDING_PX, HEIGHT_PX - 8, WIDTH_PX - 2 * PADDING_PX, 2)
        painter.fillRect(bar, QColor(palette.track))
        bar.setWidth(bar.width() * self.card.progress)
        painter.fillRect(bar, QColor(palette.accent))


def _line(
    painter: QPainter, x: float, y: float, width: float, text: str, font: QFont, colour: str
) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    painter.drawText(QRectF(x, y, width, 18), int(Qt.AlignmentFlag.AlignVCenter), shown)
