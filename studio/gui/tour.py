"""The tour: four steps on the example, each beside the part of the window that it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui import theme

CARD_PX = 320
GAP_PX = 16
DIM = 120


@dataclass(frozen=True, slots=True)
class Stop:
    """A step of the tour.

    Attributes:
        title: what it is about.
        text: what to know and do.
        target: the part of the window that stays bright.
        leave: done when the user goes on.
    """

    title: str
    text: str
    target: Callable[[], QWidget]
    leave: Callable[[], object] = lambda: None


class Tour(QWidget):
    """Lies over the window; Enter goes on, Esc ends it."""

    ended = Signal()

    def __init__(self, window: QWidget, stops: Sequence[Stop]) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("Tour")
        self._stops, self._at = stops, 0
        self._title, self._text, self._count = QLabel(), QLabel(), QLabel()
        self.next, self.skip = QPushButton("Next"), QPushButton("Skip the tour")
        self._card = self._make_card()
        window.installEventFilter(self)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self._show_stop()

    def _make_card(self) -> QFrame:
        card = QFrame(self)
        card.setObjectName("popup")
        card.setFixedWidth(CARD_PX)
        self._title.setProperty("role", "title")
        self._text.setWordWrap(True)
        self._count.setProperty("role", "muted")
        self.next.setProperty("primary", "true")
        self.skip.setProperty("flat", "true")
        for button in (self.next, self.skip):
            button.setAccessibleName(button.text())
        self.next.clicked.connect(self.go_on)
        self.skip.clicked.connect(self.end)
        row = QHBoxLayout()
        row.addWidget(self._count)
        row.addStretch(1)
        row.addWidget(self.skip)
        row.addWidget(self.next)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addLayout(row)
        return card

    def go_on(self) -> None:
        """To the next step; after the last one the tour is over."""
        self._stops[self._at].leave()
        self._at += 1
        if self._at == len(self._stops):
            self.end()
        else:
            self._show_stop()

    def end(self) -> None:
        """Close the tour."""
        self._window.removeEventFilter(self)
        self.ended.emit()
        self.close()

    def _show_stop(self) -> None:
        stop = self._stops[self._at]
        self._title.setText(stop.title)
        self._text.setText(stop.text)
        self._count.setText(f"{self._at + 1} of {len(self._stops)}")
        last = self._at == len(self._stops) - 1
        self.next.setText("Done" if last else "Next")
        self._card.setAccessibleName(stop.title)
        self._card.setAccessibleDescription(stop.text)
        self._place()
        self.next.setFocus()

    def _hole(self) -> QRect:
        target = self._stops[self._at].target()
        corner = target.mapTo(self._window, QPoint())
        return QRect(corner, target.size()).adjusted(4, -4, -4, -4)

    def _place(self) -> None:
        """The card stands beside the bright part or below it, inside the window."""
        self._card.setFixedHeight(self._card.heightForWidth(CARD_PX))
        hole, card = self._hole(), self._card
        right, left = hole.right() + GAP_PX, hole.left() - GAP_PX - card.width()
        x = right if right + card.width() <= self.width() else left
        y = hole.top()
        if x < GAP_PX:  # no room beside it: below it
            x, y = hole.center().x() - card.width() // 2, hole.bottom() + GAP_PX
        card.move(x, min(max(y, GAP_PX), self.height() - card.height() - GAP_PX))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Dim everything but the target."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dim = QPainterPath()
        dim.addRect(self.rect())
        hole = QPainterPath()
        hole.addRoundedRect(self._hole(), 8, 8)
        painter.fillPath(dim - hole, QColor(0, 0, 0, DIM))
        painter.setPen(QPen(QColor(theme.current().accent), 2))
        painter.drawPath(hole)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter goes on, Esc ends."""
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go_on()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Cover the window whatever its size."""
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
            self._place()
        return False
