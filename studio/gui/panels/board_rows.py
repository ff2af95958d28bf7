"""One row of the budget panel: a board's flash and RAM as bars, over in words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui import figures, theme
from studio.gui.layout import tooltip

NAME_PX = 128
FIGURE_PX = 42
GAP_PX = 8
ROW_PX = 28
OVER_PX = 20
STAR_PX = 18
MOST_TIMES = 999.5  # for more there is no room


@dataclass(frozen=True, slots=True)
class BoardRow:
    """What a row shows: shares of the board's memory, 1 is full; None where unknown yet.

    `application` is the part of both that the user's own application takes, and `takes` says so.
    """

    board: str
    name: str
    flash: float | None = None
    ram: float | None = None
    over: str = ""
    tooltip: str = ""
    application: tuple[float, float] = (0.0, 0.0)
    takes: str = ""


class BoardRowWidget(QWidget):
    """Draws a BoardRow; a click or Space chooses the board."""

    chosen = Signal(str)
    starred = Signal(str)

    def __init__(self, row: BoardRow) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.row = row
        self.selected = self.favourite = False
        self.show_row(row, False, False)

    def show_row(self, row: BoardRow, selected: bool, favourite: bool) -> None:
        """Show other figures."""
        self.favourite = favourite
        if bool(row.over) != bool(self.row.over):
            self.updateGeometry()
        self.row, self.selected = row, selected
        self.setToolTip(tooltip(row.tooltip))
        state = ("selected, " if selected else "") + ("favourite, " if favourite else "")
        self.setAccessibleName(f"Budget of {row.name}")
        shares = [
            f"{kind} {figures.percent(share, 0)}"
            for kind, share in (("flash", row.flash), ("RAM", row.ram))
            if share is not None
        ]
        rest = filter(None, [row.takes and f"application {row.takes}", row.over])
        self.setAccessibleDescription(state + ", ".join([*shares, *rest]))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A second line where the board is over."""
        return QSize(256, ROW_PX + (OVER_PX if self.row.over else 0))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the board; on the star, make it a favourite."""
        if NAME_PX - STAR_PX <= event.position().x() <= NAME_PX + 4:
            self.starred.emit(self.row.board)
        else:
            self.chosen.emit(self.row.board)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space or Enter chooses the board, F makes it a favourite."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return):
            self.chosen.emit(self.row.board)
        elif event.key() == Qt.Key.Key_F:
            self.starred.emit(self.row.board)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Repaint where the focus or the mouse comes or goes."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw mark, name, bars, figures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = theme.current()
        if self.hasFocus() or self.underMouse():
            painter.setPen(QPen(QColor(palette.accent if self.hasFocus() else palette.border), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        self._paint_name(painter, palette)
        half = (self.width() - NAME_PX - 8) / 2
        for at, share in enumerate((self.row.flash, self.row.ram)):
            left, own = NAME_PX + 8 + at * half, self.row.application[at]
            self._paint_bar(painter, palette, QRectF(left, 0, half, ROW_PX), share, own)
        if self.row.over:
            painter.setFont(theme.scaled(0.92))
            painter.setPen(QColor(palette.bad))
            box = QRectF(20, ROW_PX - 4, self.width() - 24, OVER_PX)
            metrics = QFontMetricsF(painter.font())
            text = metrics.elidedText(self.row.over, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _paint_name(self, painter: QPainter, palette: theme.Palette) -> None:
        centre = QRectF(6, ROW_PX / 2 - 3, 6, 6)
        painter.setPen(QPen(QColor(palette.accent if self.selected else palette.muted), 1.2))
        painter.setBrush(QColor(palette.accent) if self.selected else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre)
        painter.setFont(theme.scaled(1.0, bold=self.selected))
        painter.setPen(QColor(palette.text))
        metrics = QFontMetricsF(painter.font())
        starred = self.favourite or self.underMouse() or self.hasFocus()
        width = NAME_PX - 20 - (STAR_PX if starred else 0)
        name = metrics.elidedText(self.row.name, Qt.TextElideMode.ElideRight, width)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(20, 0, width + 2, ROW_PX), middle, name)
        if starred:
            painter.setFont(theme.scaled(1.0))
            painter.setPen(QColor(palette.accent if self.favourite else palette.muted))
            mark = "\u2605" if self.favourite else "\u2606"
            painter.drawText(QRectF(NAME_PX - STAR_PX + 2, 0, STAR_PX, ROW_PX), middle, mark)

    def _paint_bar(
        self,
        painter: QPainter,
        palette: theme.Palette,
        room: QRectF,
        share: float | None,
        own: float,
    ) -> None:
        """A bar and its figure; the user's application, `own`, is its first part."""
        x, width = room.x(), room.width()
        bar = QRectF(x, ROW_PX / 2 - 3, width - FIGURE_PX - GAP_PX, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.track))
        painter.drawRoundedRect(bar, 3, 3)
        box = QRectF(x + width - FIGURE_PX - GAP_PX, 0, FIGURE_PX, ROW_PX)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(theme.scaled(0.92))
        if share is None:
            painter.setPen(QColor(palette.muted))
            painter.drawText(box, right, "\u2013")
            return
        over = share > 1
        bar.setWidth(max(bar.width() * min(share, 1.0), 3.0))
        painter.setBrush(QColor(palette.bad if over else palette.accent))
        painter.drawRoundedRect(bar, 3, 3)
        if own:
            painter.setBrush(QColor(palette.muted))
            bar.setWidth(bar.width() * min(own, 1.0) / min(share, 1.0))
            painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(QColor(palette.bad if over else palette.muted))
        painter.drawText(box, right, _share_text(share))


def _share_text(share: float) -> str:
    if 0 < share < 0.005:
        return f"<{figures.THIN}1{figures.THIN}%"
    if share < 9.995:
        return figures.percent(share, 0)
    return f"\u00d7{figures.THIN}{share:.0f}" if share < MOST_TIMES else "\u00d71k+"
