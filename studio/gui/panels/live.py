"""Windows of the data set as they are sent to the board, its answer to each as bars.

A reader thread fills ring buffers; one timer draws them 30 times a second.
"""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui import figures, theme
from studio.gui.layout import scrolled
from studio.gui.panels.empty import empty_page

if TYPE_CHECKING:
    from studio.session import Reading

POINTS = 1000
FRAME_MS = 33
RESCALE_S = 0.5
CHANNELS = 8
AGES: npt.NDArray[np.float32] = np.arange(-POINTS + 1, 1, dtype=np.float32)


class Ring:
    """The newest `POINTS` points of a few channels; one thread writes, one reads."""

    def __init__(self, channels: int) -> None:
        self.data: npt.NDArray[np.float32] = np.full((channels, POINTS), np.nan, np.float32)

    def push(self, block: npt.NDArray[np.float32]) -> None:
        """Append `block` [channels, n]."""
        block = block[:, -POINTS:]
        n = block.shape[1]
        kept = self.data[:, n:].copy()
        self.data[:, : POINTS - n] = kept
        self.data[:, POINTS - n :] = block


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis with a true minus sign, as everywhere in the window."""

    def tickStrings(self, values: Any, scale: float, spacing: float) -> list[str]:  # noqa: N802
        """The texts of ticks."""
        texts = super().tickStrings(values, scale, spacing)
        return [text.replace("-", figures.MINUS) for text in texts]


class ScoreBars(QWidget):
    """The score of each class as a bar; the largest in the accent colour."""

    ROW_PX, LEAST_ROW_PX = 32, 16

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Class scores")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._labels: tuple[str, ...] = ()
        self._scores: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._truth = -1

    def show_scores(
        self, labels: tuple[str, ...], scores: npt.NDArray[np.float32], truth: int
    ) -> None:
        """Show one answer; `truth` is the class that it should be, or -1."""
        self._labels, self._scores, self._truth = labels, scores, truth
        self.setMinimumHeight(self.LEAST_ROW_PX * len(scores))
        best = int(scores.argmax()) if len(scores) else -1
        self.setAccessibleDescription(labels[best] if 0 <= best < len(labels) else "")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for names and figures."""
        return QSize(280, 160)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw name, bar and figure of each class."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.tabular())
        palette = theme.current()
        row = min(self.ROW_PX, self.height() / max(len(self._scores), 1))
        best = int(self._scores.argmax()) if len(self._scores) else -1
        for index, score in enumerate(self._scores):
            y, middle = index * row, int(Qt.AlignmentFlag.AlignVCenter)
            name = self._labels[index] if index < len(self._labels) else str(index)
            mark = "\u2713 " if index == self._truth else ""
            painter.setPen(QColor(palette.text if index == best else palette.muted))
            painter.drawText(QRectF(0, y, 104, row), middle, mark + name)
            bar = QRectF(112, y + row / 2 - 4, max(self.width() - 112 - 64, 16), 8)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.track))
            painter.drawRoundedRect(bar, 4, 4)
            bar.setWidth(max(bar.width() * float(np.clip(score, 0, 1)), 0.0))
            painter.setBrush(QColor(palette.accent if index == best else palette.muted))
            painter.drawRoundedRect(bar, 4, 4)
            painter.setPen(QColor(palette.text if index == best else palette.muted))
            right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            box = QRectF(self.width() - 60, y, 60, row)
            painter.drawText(box, right, figures.percent(float(score)))


class LivePanel(QStackedWidget):
    """Signal above, scores beside it, rate below.

    Signals:
        live_requested, stop_requested, flash_requested: the button.
        answered_first: the board answers, the first time since the panel was started.
    """

    live_requested = Signal()
    stop_requested = Signal()
    flash_requested = Signal()
    answered_first = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._inbox: collections.deque[Reading] = collections.deque(maxlen=256)
        self._ring: Ring | None = None
        self._curves: list[Any] = []
        self._image = pg.ImageItem()
        self._levels = (0.0, 1e-6)
        self._rescaled_s = 0.0
        self.answered = 0
        self.correct = 0
        self.rate_hz = 2.0
        self.plot = pg.PlotWidget(axisItems={side: Axis(side) for side in ("left", "bottom")})
        self.bars = ScoreBars()
        self.verdict = QLabel()
        self.figures = QLabel()
        self.rate = QDoubleSpinBox()
        self._empty = QStackedWidget()
        self.switch = QPushButton()
        self._show_switch(False)
        self.switch.clicked.connect(self._switched)
        for text, button, wanted in (
            (
                "Watch the board answer the test set window by window.",
                "Go live",
                self.live_requested,
            ),
            (
                "No board runs. Flash one to watch it answer.",
                "Flash and verify",
                self.flash_requested,
            ),
        ):
            self._empty.addWidget(empty_page(text, button, wanted.emit))
        self.addWidget(self._empty)
        self.addWidget(self._page())
        self.timer = QTimer(self)
        self.timer.setInterval(FRAME_MS)
        self.timer.timeout.connect(self.draw)
        self.show_board("")

    def _page(self) -> QWidget:
        page = QWidget()
        self._set_up_plot()
        side = QVBoxLayout()
        side.setSpacing(8)
        self.verdict.setFont(theme.scaled(1.5, bold=True))
        self.verdict.setAccessibleName("Answer of the board")
        self.figures.setProperty("role", "muted")
        self.figures.setFont(theme.tabular())
        side.addWidget(self.verdict)
        side.addWidget(scrolled(self.bars, "Scores of all classes"), 1)
        side.addWidget(self.figures)
        side.addLayout(self._rate_row())
        row = QHBoxLayout(page)
        row.setContentsMargins(8, 8, 16, 8)
        row.setSpacing(16)
        row.addWidget(self.plot, 3)
        row.addLayout(side, 2)
        return page

    def _rate_row(self) -> QHBoxLayout:
        label = QLabel("Windows per second")
        label.setProperty("role", "muted")
        label.setBuddy(self.rate)
        self.rate.setRange(0.2, 50.0)
        self.rate.setDecimals(1)
        self.rate.setValue(self.rate_hz)
        self.rate.setFixedWidth(80)
        self.rate.setAccessibleName("Windows per second")
        self.rate.setToolTip("How fast samples of the test set are sent to the board")
        self.rate.valueChanged.connect(self._set_rate)
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self.rate)
        row.addStretch(1)
        row.addWidget(self.switch)
        return row

    def _show_switch(self, runs: bool) -> None:
        text = "Stop" if runs else "Go live"
        self.switch.setText(text)
        self.switch.setAccessibleName(text)

    def _switched(self) -> None:
        (self.stop_requested if self.timer.isActive() else self.live_requested).emit()

    def _set_up_plot(self) -> None:
        self.plot.setAccessibleName("Signal sent to the board")
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setAcceptDrops(False)
        self.plot.setFrameShape(QFrame.Shape.NoFrame)
        item = self.plot.getPlotItem()
        item.setClipToView(True)
        item.showGrid(x=False, y=True, alpha=0.15)
        item.setLabel("bottom", "samples, the newest at the right")
        self.plot.setXRange(-POINTS, 0, padding=0)
        self.plot.disableAutoRange()

    def _set_rate(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz

    def show_board(self, board: str) -> None:
        """Offer to watch this board; where none runs, "", nothing of one stays in view."""
        self._empty.setCurrentIndex(0 if board else 1)
        if not board and not self.timer.isActive():
            self.setCurrentIndex(0)

    def start(self) -> None:
        """Clear everything and begin to draw."""
        self._inbox.clear()
        self._ring = None
        self._levels = (0.0, 1e-6)
        self.answered = self.correct = 0
        self.verdict.setText("Waiting for the board")
        self.figures.clear()
        self.setCurrentIndex(1)
        self.recolour()
        self.timer.start()
        self._show_switch(True)

    def stop(self) -> None:
        """Stop drawing; the last picture stays."""
        self.timer.stop()
        self._show_switch(False)
        self.draw()

    def receive(self, reading: Reading) -> None:
        """Take a reading; called in the reader's thread."""
        self._inbox.append(reading)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        palette = theme.current()
        self.plot.setBackground(palette.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(palette.border))
            axis.setTextPen(pg.mkPen(palette.muted))
        for index, curve in enumerate(self._curves):
            curve.setPen(pg.mkPen(palette.series[index % len(palette.series)], width=1))

    def draw(self) -> None:
        """One frame: everything that arrived since the last one."""
        newest = None
        while self._inbox:
            newest = self._inbox.popleft()
            self._take(newest)
            if self.answered == 1:
                self.answered_first.emit()
        if newest is None or self._ring is None:
            return
        if newest.picture is not None:
            self._show_picture(newest.picture)
        else:
            self._show_curves(self._ring)
        self._show_answer(newest)

    def _show_curves(self, ring: Ring) -> None:
        for curve, values in zip(self._curves, ring.data, strict=True):
            curve.setData(AGES, values, connect="finite")
        now = time.monotonic()
        if now - self._rescaled_s > RESCALE_S:
            self._rescaled_s = now
            self._rescale()

    def _take(self, reading: Reading) -> None:
        signal = reading.signal[:CHANNELS]
        if self._ring is None or len(self._ring.data) != len(signal):
            self._ring = Ring(len(signal))
            self._rescaled_s = 0.0
            self._set_up_curves(0 if reading.picture is not None else len(signal))
        self._ring.push(signal)
        self.answered += 1
        self.correct += int(reading.scores.argmax() == reading.truth)

    def _set_up_curves(self, count: int) -> None:
        """`count` curves over time, or an image where there are none."""
        self.plot.clear()
        self._curves = [self.plot.plot(antialias=False) for _ in range(count)]
        item = self.plot.getPlotItem()
        for side in ("left", "bottom"):
            item.showAxis(side, bool(count))
        item.getViewBox().setAspectLocked(not count)
        item.getViewBox().invertY(not count)
        if count:
            self.plot.setXRange(-POINTS, 0, padding=0)
        else:
            self.plot.addItem(self._image)
        self.recolour()

    def _show_picture(self, picture: npt.NDArray[np.float32]) -> None:
        lo, hi = self._levels
        self._levels = (min(lo, float(picture.min())), max(hi, float(picture.max())))
        self._image.setImage(picture.T, levels=self._levels)
        self.plot.setRange(QRectF(0, 0, picture.shape[1], picture.shape[0]), padding=0.05)

    def _rescale(self) -> None:
        assert self._ring is not None
        seen = self._ring.data[np.isfinite(self._ring.data)]
        lo, hi = (float(seen.min()), float(seen.max())) if len(seen) else (-1.0, 1.0)
        margin = 0.05 * (hi - lo) or 1.0
        self.plot.setYRange(lo - margin, hi + margin, padding=0)

    def _show_answer(self, reading: Reading) -> None:
        best = int(reading.scores.argmax())
        names = reading.labels
        self.verdict.setText(names[best] if best < len(names) else f"class {best}")
        self.bars.show_scores(names, reading.scores, reading.truth)
        parts = [f"{self.answered} windows"]
        if reading.truth >= 0:
            parts.append(f"{figures.percent(self.correct / self.answered)} right")
        parts.append(f"{reading.round_trip_s * 1e3:.1f}{figures.THIN}ms round trip")
        self.figures.setText("   ".join(parts))
        self.figures.setToolTip(f"Measured: on {reading.board}, since going live")
