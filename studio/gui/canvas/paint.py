"""How cards look: frame, title, state, small figures, ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from studio.gui import theme

if TYPE_CHECKING:
    from studio.gui.canvas.card import Card, Mini

WIDTH_PX = 224
HEIGHT_PX = 96
RADIUS_PX = 8
PADDING_PX = 12
PORT_PX = 4.5
PLUS_PX = 9
ICON_PX = 16
STATE_PX = 12
LINE_PX = 18
BAR_PX = 3
TITLE_Y, VALUE_Y, BAR_Y, CHANGE_Y = 12, 36, 58, 66
COLUMNS = ((12, 56), (76, 64), (148, 64))
"""Left edges and widths of accuracy, flash and RAM."""
COLUMN_GAP_PX, ROW_GAP_PX = 40, 16
VACANT = "Drop a step here,\nor click the port of the model"
SHADOW_PX, SHADOW_ALPHA = 2, 18
FAR = 0.6
"""Below this scale a shadow is not seen, and costs as much as the card."""

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
EDGES = {"running": "accent", "failed": "bad"}
"""States that the edge of a card shows, too."""


def frame(painter: QPainter, state: str, marked: bool, hovered: bool) -> None:
    """The card's shadow, edge and ground."""
    palette = theme.current()
    box = QRectF(0, 0, WIDTH_PX, HEIGHT_PX)
    painter.setPen(Qt.PenStyle.NoPen)
    if painter.worldTransform().m11() > FAR:
        painter.setBrush(QColor(0, 0, 0, SHADOW_ALPHA))
        painter.drawRoundedRect(box.translated(0, SHADOW_PX), RADIUS_PX, RADIUS_PX)
    if marked:
        halo = QColor(palette.accent)
        halo.setAlpha(48)
        painter.setBrush(halo)
        painter.drawRoundedRect(box.adjusted(-3, -3, 3, 3), RADIUS_PX + 3, RADIUS_PX + 3)
    edge = "accent" if marked else EDGES.get(state, "muted" if hovered else "border")
    line = Qt.PenStyle.DashLine if state == "muted" else Qt.PenStyle.SolidLine
    painter.setPen(QPen(QColor(getattr(palette, edge)), 2 if marked else 1, line))
    painter.setBrush(QColor(palette.card))
    painter.drawRoundedRect(box, RADIUS_PX, RADIUS_PX)


def contents(painter: QPainter, card: Card) -> None:
    """What stands on the card."""
    painter.setOpacity(0.6 if card.state == "muted" else 1.0)
    _title(painter, card, WIDTH_PX - PADDING_PX - _state(painter, card))
    if card.detail:
        _detail(painter, card.detail)
    else:
        for (x, width), mini in zip(COLUMNS, card.figures, strict=False):
            _mini(painter, mini, x, width)
    if card.progress is not None:
        _progress(painter, card.progress)
    painter.setOpacity(1.0)


def vacant(painter: QPainter, box: QRectF) -> None:
    """The place of a first step: a dashed outline that says how to fill it."""
    palette = theme.current()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(palette.muted), 1, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, RADIUS_PX, RADIUS_PX)
    middle = QPointF(box.left(), box.center().y())
    painter.drawLine(middle - QPointF(COLUMN_GAP_PX - PORT_PX, 0), middle)
    painter.setFont(theme.tabular())
    inside = box.adjusted(PADDING_PX, PADDING_PX, -PADDING_PX, -PADDING_PX)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(inside, int(flags), VACANT)
    painter.restore()


def port(painter: QPainter, at: QPointF, hovered: bool, near: bool = False) -> None:
    """A port; with a plus while the mouse is over it."""
    palette = theme.current()
    if not hovered:
        painter.setPen(QPen(QColor(palette.accent if near else palette.muted), 1.5))
        painter.setBrush(QColor(palette.canvas))
        painter.drawEllipse(at, PORT_PX, PORT_PX)
        return
    plus(painter, at)


def plus(painter: QPainter, at: QPointF) -> None:
    """A disc with a plus: here a step can be put."""
    palette, arm = theme.current(), PLUS_PX / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.accent))
    painter.drawEllipse(at, PLUS_PX, PLUS_PX)
    painter.setPen(QPen(QColor(palette.on_accent), 1.5))
    painter.drawLine(at - QPointF(arm, 0), at + QPointF(arm, 0))
    painter.drawLine(at - QPointF(0, arm), at + QPointF(0, arm))


def _state(painter: QPainter, card: Card) -> float:
    """Icon and word at the right; what they take of the width."""
    if not card.state_text:
        return 0.0
    name, colour = STATES[card.state]
    ink, small = getattr(theme.current(), colour), theme.scaled(0.92)
    width = QFontMetricsF(small).horizontalAdvance(card.state_text)
    x = WIDTH_PX - PADDING_PX - width
    _line(painter, QRectF(x, TITLE_Y, width + 1, LINE_PX), card.state_text, small, ink)
    _icon(painter, QRectF(x - STATE_PX - 4, TITLE_Y + 3, STATE_PX, STATE_PX), name, ink)
    return width + STATE_PX + 8


def _title(painter: QPainter, card: Card, right: float) -> None:
    """The letter of the variant, or the icon of the step, and the name."""
    palette = theme.current()
    badge = QRectF(PADDING_PX, TITLE_Y + 1, ICON_PX, ICON_PX)
    if card.letter:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.track))
        painter.drawRoundedRect(badge, 4, 4)
        painter.setFont(theme.scaled(0.92, bold=True))
        painter.setPen(QColor(palette.text))
        painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), card.letter)
    else:
        _icon(painter, badge, card.icon, palette.muted)
    x = badge.right() + 8
    bold = theme.scaled(1.0, bold=True)
    _line(painter, QRectF(x, TITLE_Y, right - x, LINE_PX), card.title, bold, palette.text)


def _detail(painter: QPainter, text: str) -> None:
    """What is wrong, on up to three lines."""
    inside = QRectF(PADDING_PX, VALUE_Y, WIDTH_PX - 2 * PADDING_PX, HEIGHT_PX - VALUE_Y - 8)
    painter.setFont(theme.scaled(0.92))
    painter.setPen(QColor(theme.current().bad))
    painter.drawText(inside, int(Qt.TextFlag.TextWordWrap), text[:1].upper() + text[1:])


def _mini(painter: QPainter, mini: Mini, x: float, width: float) -> None:
    """Figure, bar and change below each other."""
    palette = theme.current()
    ink = palette.bad if mini.over else palette.text
    _line(painter, QRectF(x, VALUE_Y, width, LINE_PX), mini.value, theme.tabular(), ink)
    if mini.share is not None:
        bar = QRectF(x, BAR_Y, width - 8, BAR_PX)
        painter.fillRect(bar, QColor(palette.track))
        bar.setWidth(bar.width() * min(max(mini.share, 0.0), 1.0))
        painter.fillRect(bar, QColor(palette.bad if mini.over else palette.muted))
    tone = getattr(palette, mini.tone)
    _line(painter, QRectF(x, CHANGE_Y, width + 8, LINE_PX), mini.change, theme.scaled(0.92), tone)


def _progress(painter: QPainter, share: float) -> None:
    """A line along the lower edge, inside the round corners."""
    palette, inside = theme.current(), QPainterPath()
    box = QRectF(1, 1, WIDTH_PX - 2, HEIGHT_PX - 2)
    inside.addRoundedRect(box, RADIUS_PX - 1, RADIUS_PX - 1)
    painter.save()
    painter.setClipPath(inside)
    bar = QRectF(box.left(), box.bottom() - BAR_PX, box.width(), BAR_PX)
    painter.fillRect(bar, QColor(palette.track))
    bar.setWidth(bar.width() * share)
    painter.fillRect(bar, QColor(palette.accent))
    painter.restore()


def _icon(painter: QPainter, box: QRectF, name: str, ink: str) -> None:
    size = round(box.width()) * 3
    painter.drawPixmap(box, theme.pixmap(name, ink, size), QRectF(0, 0, size, size))


def _line(painter: QPainter, box: QRectF, text: str, font: QFont, colour: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)
