"""The arena over time and address: who lives where, and at which call it is fullest."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.budget.arena_map import (
    Span,
    buffer_names,
    row_stages,
    shared,
    short_names,
    spans,
)
from studio.compiler.program import Program
from studio.gui import figures, theme
from studio.gui.panels.layers import call_of

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 16, 40, 32
GAP_PX = 1.5
EMPTY = "Open a model to see which layer takes how much of the arena, and when."


class MemoryMap(QWidget):
    """Draws the arena of a Program; `layer_chosen` carries the layer that was clicked."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Memory map")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._program: Program | None = None
        self._spans: list[Span] = []
        self._peak = 0
        self._why_none = EMPTY
        self._names: list[str] = []
        self._layer: int | None = None
        self._hovered: int | None = None
        self.setMouseTracking(True)

    def show_layer(self, layer: str) -> None:
        """Mark the column of a layer."""
        self._layer = call_of(self._program, layer)
        self.update()

    def show_program(self, program: Program | None, peak_layer: str, why_none: str) -> None:
        """Show this arena; `peak_layer` is where it is fullest."""
        self._why_none = why_none or EMPTY
        if program is self._program:
            self.update()
            return
        self._program = program
        self._spans = spans(program) if program else []
        self._names = buffer_names(program) if program else []
        self._layer = self._hovered = None
        layers = [call.layer for call in program.calls] if program else []
        self._peak = layers.index(peak_layer) if peak_layer in layers else 0
        self.setAccessibleDescription(self.headline())
        self.update()

    def headline(self) -> str:
        """Peak, bound and the layer at which it is reached, in words."""
        program = self._program
        if program is None or not program.calls:
            return ""
        bound = figures.exact_bytes(program.bound_bytes)
        same = program.arena_bytes == program.bound_bytes
        relation = "=  lower bound" if same else f"lower bound {bound}"
        layer = short_names(program)[self._peak]
        return f"peak {figures.exact_bytes(program.arena_bytes)}  {relation}  ({layer})"

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Small enough for a short window."""
        return QSize(240, 120)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw axes, buffers and the peak, or say what to do first."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled(0.92))
        palette = theme.current()
        if self._program is None or not self._program.calls:
            painter.setFont(theme.tabular())
            painter.setPen(QColor(palette.muted))
            wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 0, -16, 0), int(wrapped), self._why_none)
            return
        self._paint_columns(painter, palette)
        self._paint_axes(painter, palette)
        for span in self._spans:
            self._paint_span(painter, palette, span)
        for one, other in shared(self._spans):
            both = self._rect(one).intersected(self._rect(other))
            painter.fillRect(both, QBrush(QColor(palette.border), Qt.BrushStyle.BDiagPattern))
        for span in self._spans:
            self._paint_name(painter, palette, span)
        self._paint_peak(painter, palette)

    def _paint_columns(self, painter: QPainter, palette: theme.Palette) -> None:
        """The columns that run row by row, and the one of the chosen or hovered layer."""
        assert self._program is not None
        area = self._area()
        column = area.width() / len(self._program.calls)
        for first, last in row_stages(self._program):
            left, width = area.left() + first * column, (last + 1 - first) * column
            painter.fillRect(QRectF(left, area.top(), width, area.height()), QColor(palette.hover))
            painter.setPen(QColor(palette.muted))
            painter.drawText(QRectF(left, area.top() - 20, width, 18), 0, "row by row")
        for at, strength in ((self._hovered, 20), (self._layer, 44)):
            if at is not None:
                accent = QColor(palette.accent)
                accent.setAlpha(strength)
                painter.fillRect(
                    QRectF(area.left() + at * column, area.top(), column, area.height() + 28),
                    accent,
                )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the layer of the buffer, or of the column, that was clicked."""
        at = self._call_at(event.position())
        if at is not None and self._program is not None:
            self.layer_chosen.emit(self._program.calls[at].layer.split(";")[0])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show which layer writes the buffer under the mouse."""
        at = self._call_at(event.position())
        if at != self._hovered:
            self._hovered = at
            self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing is under the mouse."""
        self._hovered = None
        self.update()

    def _call_at(self, position: QPointF) -> int | None:
        """The call that writes the buffer there; else the one whose column it is."""
        if self._program is None or not self._program.calls:
            return None
        for span in reversed(self._spans):
            if self._rect(span).contains(position):
                writers = [c.outputs for c in self._program.calls]
                return next((i for i, o in enumerate(writers) if span.buffer in o), span.first)
        area = self._area()
        at = int((position.x() - area.left()) // (area.width() / len(self._program.calls)))
        return at if 0 <= at < len(self._program.calls) and position.y() > area.top() else None

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(LEFT_PX, TOP_PX, -RIGHT_PX, -BOTTOM_PX)

    def _rect(self, span: Span) -> QRectF:
        assert self._program is not None
        area = self._area()
        column = area.width() / len(self._program.calls)
        row = area.height() / max(self._program.arena_bytes, 1)
        left, right = area.left() + span.first * column, area.left() + (span.last + 1) * column
        top, bottom = area.bottom() - span.end * row, area.bottom() - span.start * row
        rect = QRectF(QPointF(left, top), QPointF(right, bottom))
        return rect.adjusted(GAP_PX / 2, GAP_PX / 2, -GAP_PX / 2, -GAP_PX / 2)

    def _paint_axes(self, painter: QPainter, palette: theme.Palette) -> None:
        assert self._program is not None
        area, right = self._area(), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(palette.border))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.topLeft(), area.bottomLeft())
        painter.setPen(QColor(palette.muted))
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            text = figures.short_bytes(share * self._program.arena_bytes)
            painter.drawText(QRectF(0, y - 8, LEFT_PX - 8, 16), right, text)
        metrics, column = QFontMetricsF(painter.font()), area.width() / len(self._program.calls)
        names = short_names(self._program)
        every = max(1, round(64 / column + 0.49))
        for at in range(0, len(self._program.calls), every):
            box = QRectF(area.left() + at * column, area.bottom() + 6, column * every - 4, 18)
            name = names[at]
            text = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, box.width())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), text)

    def _paint_span(self, painter: QPainter, palette: theme.Palette, span: Span) -> None:
        assert self._program is not None
        rect = self._rect(span)
        colour = QColor(palette.series[span.buffer % len(palette.series)])
        scratch = self._program.buffers[span.buffer].role == "scratch"
        ink = QColor(colour)
        colour.setAlpha(60 if scratch else 110)
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine if scratch else Qt.PenStyle.SolidLine))
        painter.setBrush(colour)
        painter.drawRoundedRect(rect, 2, 2)
        buffer = self._program.buffers[span.buffer]
        if buffer.rows:
            self._paint_rows(painter, rect, buffer.rows, ink)

    def _paint_name(self, painter: QPainter, palette: theme.Palette, span: Span) -> None:
        assert self._program is not None
        rect, buffer = self._rect(span), self._program.buffers[span.buffer]
        metrics = QFontMetricsF(painter.font())
        if rect.height() < metrics.height() + 4 or rect.width() < 24:
            return
        painter.setPen(QColor(palette.text))
        inside = rect.adjusted(8, 2, -4, -2)
        rows = f", {buffer.rows} of {buffer.shape[0]} rows" if buffer.rows else ""
        text = f"{self._names[span.buffer]}{rows}"
        name = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, inside.width())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inside, int(align), name)

    def _paint_rows(self, painter: QPainter, rect: QRectF, rows: int, ink: QColor) -> None:
        """Lines between the rows of a ring, as far as they can be told apart."""
        height = rect.height() / rows
        if height < 3:
            return
        painter.setPen(QPen(ink, 0.5, Qt.PenStyle.DotLine))
        for row in range(1, rows):
            y = rect.top() + row * height
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))

    def _paint_peak(self, painter: QPainter, palette: theme.Palette) -> None:
        assert self._program is not None
        area = self._area()
        column = area.width() / len(self._program.calls)
        painter.setPen(QPen(QColor(palette.bad), 1, Qt.PenStyle.DashLine))
        painter.drawLine(area.topLeft(), area.topRight())
        middle = QPointF(area.left() + (self._peak + 0.5) * column, area.top())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.bad))
        painter.drawPolygon([middle, middle + QPointF(-4, -6), middle + QPointF(4, -6)])
        painter.setPen(QColor(palette.muted))
        box = QRectF(LEFT_PX, 8, area.width(), 20)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignRight), self.headline())

    def event(self, event: QEvent) -> bool:
        """Tooltips: the buffer under the mouse."""
        if isinstance(event, QHelpEvent) and self._program is not None:
            QToolTip.showText(event.globalPos(), self.description_at(event.pos().toPointF()), self)
            return True
        return super().event(event)

    def description_at(self, position: QPointF) -> str:
        """Name, shape, size, place and time of the buffer at a position of the widget."""
        if self._program is None:
            return ""
        for span in reversed(self._spans):
            if self._rect(span).contains(position):
                buffer = self._program.buffers[span.buffer]
                shape = "x".join(str(size) for size in buffer.shape)
                first, last = (self._program.calls[at].layer for at in (span.first, span.last))
                ring = f"\na ring of {buffer.rows} rows" if buffer.rows else ""
                overlaps = self._overlaps(span)
                return (
                    f"{self._names[span.buffer]}: {shape} {buffer.dtype}, {buffer.role}{ring}\n"
                    f"{figures.exact_bytes(buffer.size_bytes)} at {figures.grouped(span.start)}\n"
                    f"live from {first} to {last}{overlaps}\nComputed: placement in the arena"
                )
        return ""

    def _overlaps(self, span: Span) -> str:
        others = [b if a is span else a for a, b in shared(self._spans) if span in (a, b)]
        names = ", ".join(self._names[other.buffer] for other in others)
        return f"\ntakes bytes of {names} as their rows are done with" if names else ""
