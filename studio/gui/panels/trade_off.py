"""Accuracy against what it costs: every measured node a point, all limits as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
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
from studio.gui.tables import Table

COSTS = {
    "flash": "flash", "ram": "RAM", "time": "latency", "instructions": "instructions",
    "macs": "work",
}  # fmt: skip
UNITS = {"flash": "B", "ram": "B", "time": "s", "instructions": "", "macs": "MAC"}
COLUMNS = ("Variant", "Accuracy", "Flash", "RAM", "Latency", "Fits")
FITS = COLUMNS.index("Fits")
UNKNOWN = "Not known for this board: no estimate of its instructions or its clock."
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 24, 16, 32
POINT_PX = 6
NEAR_PX = 14
"""A label that is further from its point has a line to it."""
ROWS = 8
"""Lines above and below a point where its label may stand."""
NAME_PX = 64
TICKS = 5
ROOM = 1.6
"""How far the axis goes beyond what it shows."""
LIMIT_ROOM = 8.0
"""Limits that are further from all points are not shown."""
MOST_MS = 1e9
MOST_PLACES = 6


@dataclass(frozen=True, slots=True)
class Point:
    """A measured node.

    Attributes:
        node: its id.
        title: its name, with the letter of the variant.
        label: the letter, or the name where there is none.
        variant: whether it is a leaf.
        accuracy: 0 to 1.
        costs: by key of COSTS, on the selected board: flash and RAM in bytes, time in
            microseconds, work in MAC; absent where not known.
        fits: on how many of the compared boards, such as 3/5.
    """

    node: str
    title: str
    label: str
    variant: bool
    accuracy: float
    costs: dict[str, float]
    fits: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What a board has, or the user allows, by key of COSTS; bytes, or microseconds."""

    board: str
    sizes: dict[str, float]


@dataclass(frozen=True, slots=True)
class Label:
    """The names of a stack of points, and where they stand."""

    text: str
    box: QRectF
    stack: Sequence[Point]


class Chart(QWidget):
    """Cost across on a logarithmic axis, accuracy up."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Trade-off")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(200, 120))
        self.cost = "flash"
        self._all: Sequence[Point] = ()
        self._limits: Sequence[Limit] = ()
        self._selected = ""
        self._across = (1.0, 2.0)
        self._up = (0.0, 1.0)

    def show_points(self, points: Sequence[Point], limits: Sequence[Limit], selected: str) -> None:
        """Show these."""
        self._all, self._limits, self._selected = points, limits, selected
        points = self._points
        told = (f"{p.title} {figures.percent(p.accuracy)}" for p in points)
        self.setAccessibleDescription(", ".join(told))
        costs = [max(point.costs[self.cost], 1.0) for point in points] or [1.0]
        low, high = min(costs) / LIMIT_ROOM, max(costs) * LIMIT_ROOM
        near = [size for size in self._sizes() if low <= size <= high]
        self._across = (min([*costs, *near]) / ROOM, max([*costs, *near]) * ROOM)
        lowest = min((point.accuracy for point in points), default=0.0)
        self._up = (max(lowest - max(0.01, (1 - lowest) * 0.5), 0.0), 1.0)
        self.update()

    @property
    def _points(self) -> list[Point]:
        """The points of which the cost is known."""
        return [point for point in self._all if self.cost in point.costs]

    def place(self, point: Point) -> QPointF:
        """Where a point stands in the widget."""
        area, (low, high) = self._area(), self._up
        y = area.bottom() - (point.accuracy - low) / (high - low) * area.height()
        return QPointF(self._x(point.costs[self.cost]), y)

    def points_at(self, position: QPointF) -> list[Point]:
        """The points under a position, the nearest first."""
        far = {p.node: (self.place(p) - position).manhattanLength() for p in self._points}
        near = [point for point in self._points if far[point.node] < 2 * POINT_PX]
        return sorted(near, key=lambda point: far[point.node])

    def front(self) -> list[Point]:
        """The points that no other one beats in both respects, cheapest first."""
        kept: list[Point] = []
        for point in sorted(self._points, key=lambda p: (p.costs[self.cost], -p.accuracy)):
            if not kept or point.accuracy > kept[-1].accuracy:
                kept.append(point)
        return kept

    def _sizes(self) -> dict[float, str]:
        """Limits with the boards that have them."""
        found: dict[float, list[str]] = {}
        for limit in self._limits:
            if self.cost in limit.sizes:
                found.setdefault(limit.sizes[self.cost], []).append(limit.board)
        return {size: ", ".join(names) for size, names in found.items()}

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(LEFT_PX, TOP_PX, -RIGHT_PX, -BOTTOM_PX)

    def _x(self, cost: float) -> float:
        area, (low, high) = self._area(), self._across
        share = math.log(max(cost, 1.0) / low) / math.log(high / low)
        return area.left() + share * area.width()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw axes, limits, the front and the points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled(0.92))
        palette = theme.current()
        if not self._points:
            painter.setPen(QColor(palette.muted))
            centred = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self._area().toRect(), centred, UNKNOWN)
            return
        self._paint_axes(painter, palette)
        for x, boards in self._near_limits():
            self._paint_limit(painter, palette, x, boards)
        painter.setPen(QPen(QColor(palette.muted), 1, Qt.PenStyle.DashLine))
        places = [self.place(point) for point in self.front()]
        if len(places) > 1:
            painter.drawPolyline(places)
        for point in sorted(self._points, key=lambda p: p.node == self._selected):
            self._paint_point(painter, palette, point)
        self._paint_labels(painter, palette)

    def _paint_axes(self, painter: QPainter, palette: theme.Palette) -> None:
        area = self._area()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QColor(palette.track))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(palette.muted))
            text = figures.percent(self._up[0] + share * (self._up[1] - self._up[0]))
            painter.drawText(QRectF(0, y - 8, LEFT_PX - 8, 16), right, text)
        for value in _ticks(*self._across, UNITS[self.cost]):
            x = self._x(value)
            painter.setPen(QColor(palette.border))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(QColor(palette.muted))
            box = QRectF(x - 40, area.bottom() + 6, 80, 16)
            text = _tick_text(value, UNITS[self.cost])
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)

    def _near_limits(self) -> list[tuple[float, str]]:
        """Where the limits on show stand, with the boards that have them."""
        low, high = self._across
        return [
            (self._x(size), names) for size, names in self._sizes().items() if low < size < high
        ]

    def _limit_box(self, x: float, boards: str, metrics: QFontMetricsF) -> QRectF:
        """What the name of a limit takes, upright beside its line."""
        area = self._area()
        length = min(metrics.horizontalAdvance(boards), area.height() - 8)
        height = metrics.height()
        return QRectF(x - 4 - height, area.bottom() - 4 - length, height + 4, length)

    def _paint_limit(
        self, painter: QPainter, palette: theme.Palette, x: float, boards: str
    ) -> None:
        area, metrics = self._area(), QFontMetricsF(painter.font())
        painter.setPen(QPen(QColor(palette.bad), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        box = self._limit_box(x, boards, metrics)
        painter.save()
        painter.translate(x - 4, box.bottom())
        painter.rotate(-90)
        painter.setPen(QColor(palette.muted))
        shown = metrics.elidedText(boards, Qt.TextElideMode.ElideRight, box.height() + 1)
        painter.drawText(QPointF(0, 0), shown)
        painter.restore()

    def _paint_point(self, painter: QPainter, palette: theme.Palette, point: Point) -> None:
        at, chosen = self.place(point), point.node == self._selected
        ink = QColor(palette.accent if point.variant else palette.muted)
        painter.setPen(QPen(ink, 2))
        painter.setBrush(ink if chosen else QColor(palette.surface))
        painter.drawEllipse(at, POINT_PX, POINT_PX)

    def _paint_labels(self, painter: QPainter, palette: theme.Palette) -> None:
        """Each with a line to its points where it stands away from them."""
        metrics = QFontMetricsF(painter.font())
        for label in self.labels(metrics):
            box, at = label.box, self.place(label.stack[0])
            if not box.adjusted(-NEAR_PX, -NEAR_PX, NEAR_PX, NEAR_PX).contains(at):
                painter.setPen(QPen(QColor(palette.border), 1))
                painter.drawLine(at, QPointF(min(max(at.x(), box.left()), box.right()), box.top()))
            chosen = any(point.node == self._selected for point in label.stack)
            painter.fillRect(box, QColor(palette.surface))
            painter.setPen(QColor(palette.text if chosen else palette.muted))
            painter.drawText(box.topLeft() + QPointF(0, metrics.ascent()), label.text)

    def labels(self, metrics: QFontMetricsF) -> list[Label]:
        """A label for each stack of points; none lies on another one, on a point or a limit."""
        taken = [_dot(self.place(point)) for point in self._points]
        taken += [self._limit_box(*limit, metrics) for limit in self._near_limits()]
        found = []
        for stack in self._stacks():
            text = ", ".join(p.label for p in stack) if stack[1:] else stack[0].title
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self._area().width() / 2)
            size = QSizeF(metrics.horizontalAdvance(text), metrics.height())
            rooms = self._rooms(self.place(stack[0]), size)
            box = next((b for b in rooms if not any(b.intersects(t) for t in taken)), None)
            if box is not None:
                taken.append(box)
                found.append(Label(text, box, stack))
        return found

    def _stacks(self) -> list[list[Point]]:
        """The points, those that lie on each other together, the most important first."""
        rest = sorted(self._points, key=lambda p: (p.node != self._selected, not p.variant))
        found = []
        while rest:
            at = self.place(rest[0])
            stack = [p for p in rest if (self.place(p) - at).manhattanLength() < 2 * POINT_PX]
            rest = [p for p in rest if p not in stack]
            found.append([p for p in self._points if p in stack])
        return found

    def _rooms(self, at: QPointF, size: QSizeF) -> Iterator[QRectF]:
        """Where the label of a point may stand, the best place first."""
        area = self._area()
        whole = QRectF(self.rect()).adjusted(LEFT_PX, 0, 0, -BOTTOM_PX)
        middle = min(max(at.x() - size.width() / 2, whole.left()), whole.right() - size.width())
        for row in range(ROWS):
            below = at.y() + 8 + row * size.height()
            for top in (below, at.y() - 8 - (row + 1) * size.height()):
                for left in (at.x() + 12, at.x() - 12 - size.width(), middle):
                    box = QRectF(QPointF(left, top), size)
                    if whole.contains(box) and box.bottom() <= area.bottom():
                        yield box

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A point opens its variant; another click the next one of a stack."""
        nodes = [point.node for point in self.points_at(event.position())]
        if nodes and event.button() == Qt.MouseButton.LeftButton:
            at = nodes.index(self._selected) + 1 if self._selected in nodes else 0
            self.chosen.emit(nodes[at % len(nodes)])

    def event(self, event: QEvent) -> bool:
        """Tooltips: the figures of the points here."""
        if isinstance(event, QHelpEvent):
            points = self.points_at(QPointF(event.pos()))
            text = "\n\n".join("\n".join(_told(point)) for point in points)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


class LimitField(QDoubleSpinBox):
    """The latency limit in milliseconds, in as many decimals as it has; 0 is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Latency limit")
        self.setToolTip("What an inference may take; slower variants are marked with \u2715")
        self.setRange(0, MOST_MS)
        self.setDecimals(MOST_PLACES)
        self.setSpecialValueText("none")
        self.setSuffix(f"{figures.THIN}ms")
        self.setKeyboardTracking(False)
        self.setFixedWidth(128)
        self.setFont(theme.tabular())

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """At least one decimal, and no zeros behind it."""
        zeros = f"{value:.{MOST_PLACES}f}"[::-1]
        places = MOST_PLACES - (len(zeros) - len(zeros.lstrip("0")))
        text = self.locale().toString(value, "f", max(places, 1))
        return text.replace(self.locale().groupSeparator(), "")  # they are not read back

    def show_limit(self, most_ms: float) -> None:
        """Show a limit; one that is shorter than can be shown is not shown as none."""
        shown = max(most_ms, 10.0**-MOST_PLACES) if most_ms else 0.0
        self.blockSignals(True)
        if self.value() != shown:
            self.setValue(shown)
        self.blockSignals(False)


class TradeOffPanel(QStackedWidget):
    """The chart beside a table in which the variants stand side by side.

    Signals:
        chosen: a node.
        limited: the most milliseconds that an inference may take, 0 for no limit.
        run_requested: there is nothing to show before.
    """

    chosen = Signal(str)
    limited = Signal(float)
    run_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.chart = Chart()
        self.chart.chosen.connect(self.chosen)
        self.axis = QComboBox()
        self.axis.setAccessibleName("What accuracy is compared with")
        for key, name in COSTS.items():
            self.axis.addItem(f"Accuracy by {name}", key)
        self.axis.activated.connect(self._turn)
        self.limit = LimitField()
        self.table = Table("Variants", COLUMNS, 1, first_px=NAME_PX)
        self.table.setTextElideMode(Qt.TextElideMode.ElideRight)  # the letter stays
        self.table.setWordWrap(False)
        self.table.itemSelectionChanged.connect(self._picked)
        self.addWidget(
            empty_page(
                "Run the pipeline on labelled data to weigh accuracy against memory.",
                "Run the pipeline",
                self.run_requested.emit,
            )
        )
        self.addWidget(self._page())
        self._shown: tuple[Sequence[Point], Sequence[Limit], str] = ((), (), "")

    def _page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head())
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.chart, 1)
        row.addWidget(self.table, 1)  # at most half
        column.addLayout(row, 1)
        return page

    def _head(self) -> QHBoxLayout:
        label = QLabel("Latency limit")
        label.setProperty("role", "muted")
        label.setBuddy(self.limit)
        self.limit.valueChanged.connect(self.limited)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(self.axis)
        row.addStretch(1)
        row.addWidget(label)
        row.addWidget(self.limit)
        return row

    def show_points(self, points: Sequence[Point], limits: Sequence[Limit], selected: str) -> None:
        """Compare these."""
        self.setCurrentIndex(1 if points else 0)
        self._shown = points, limits, selected
        self.chart.show_points(points, limits, selected)
        self.table.blockSignals(True)
        source = (
            "Accuracy measured; flash, RAM computed and latency estimated for the selected board"
        )
        most_us = min((one.sizes["time"] for one in limits if "time" in one.sizes), default=0.0)
        self.limit.show_limit(most_us / 1000)
        self.table.show_rows([_texts(point, most_us) for point in points], source)
        self._share_out()
        row = next((i for i, point in enumerate(points) if point.node == selected), None)
        self.table.clearSelection() if row is None else self.table.selectRow(row)
        self.table.blockSignals(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Chart and table have the same share of the room."""
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        """What the table does not need the chart takes; where names lack room, fits goes."""
        self.table.setColumnHidden(FITS, False)
        self.table.setColumnHidden(FITS, self.table.content_px > self.width() / 2)
        self.table.setMaximumWidth(self.table.content_px)

    def _turn(self) -> None:
        self.chart.cost = self.axis.currentData()
        self.chart.show_points(*self._shown)

    def _picked(self) -> None:
        if self.table.selectedItems():
            self.chosen.emit(self._shown[0][self.table.currentRow()].node)


def _dot(at: QPointF) -> QRectF:
    """What a point takes."""
    return QRectF(at.x() - POINT_PX, at.y() - POINT_PX, 2 * POINT_PX, 2 * POINT_PX)


def _ticks(low: float, high: float, unit: str) -> list[float]:
    """Round values between two costs: powers of two for bytes, else 1, 2, 5, 10."""
    if unit == "B":
        values = [2.0**power for power in range(math.ceil(math.log2(high)) + 1)]
    else:
        decades = range(math.ceil(math.log10(high)) + 1)
        values = [digit * 10.0**power for power in decades for digit in (1, 2, 5)]
    inside = [value for value in values if low <= value <= high]
    return inside[:: max(1, math.ceil(len(inside) / TICKS))]


def _tick_text(value: float, unit: str) -> str:
    if unit == "s":
        return figures.short_time(value).replace(".0", "")
    if unit == "B":
        prefix, small = divmod(round(math.log2(value)), 10)
        return f"{2**small}{figures.THIN}{('', 'Ki', 'Mi', 'Gi')[prefix]}B"
    return figures.short_count(value, unit).replace(".0", "")


def _told(point: Point) -> tuple[str, ...]:
    ram, flash = point.costs["ram"], point.costs["flash"]
    return (
        point.title,
        f"Accuracy {figures.percent(point.accuracy)}, measured",
        f"Flash {figures.exact_bytes(flash)}, RAM {figures.exact_bytes(ram)}, computed",
        f"{figures.short_count(point.costs['macs'], 'MAC')} an inference{_effort(point)}",
        f"Boards that it fits: {point.fits}",
    )


def _effort(point: Point) -> str:
    """Instructions and time, where known."""
    parts = []
    if "instructions" in point.costs:
        parts.append(f"{figures.short_count(point.costs['instructions'])} instructions")
    if "time" in point.costs:
        parts.append(figures.short_time(point.costs["time"]))
    return f", {' and '.join(parts)}, estimated" if parts else ""


def _texts(point: Point, most_us: float) -> tuple[str, ...]:
    return (
        point.title,
        figures.percent(point.accuracy),
        figures.short_bytes(point.costs["flash"]),
        figures.short_bytes(point.costs["ram"]),
        _latency(point, most_us),
        point.fits,
    )


def _latency(point: Point, most_us: float) -> str:
    """The estimate, marked where it is over the limit."""
    if "time" not in point.costs:
        return "\u2013"
    over = "\u2715 " if 0 < most_us < point.costs["time"] else ""
    return f"{over}{figures.short_time(point.costs['time'])}"
