"""What the mouse does on the canvas: each gesture has a start, an end and a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from studio.gui import theme
from studio.gui.canvas.card import CardItem
from studio.gui.canvas.link import curve

if TYPE_CHECKING:
    from studio.gui.canvas.view import PipelineView

START_PX = 4


class Gesture(Protocol):
    """A movement with the left or middle button held; positions are the scene's."""

    def move(self, position: QPointF) -> None:
        """The mouse is at `position` now."""

    def finish(self, position: QPointF) -> None:
        """The button was released at `position`."""

    def cancel(self) -> None:
        """Esc: as if it had never begun."""


class MoveCard:
    """Drag a card; the grid of 8 pixels holds it."""

    def __init__(self, view: PipelineView, item: CardItem, start: QPointF) -> None:
        self._view, self._item, self._start = view, item, start
        self._home = item.pos()
        self._moved = False

    def move(self, position: QPointF) -> None:
        """Take the card along."""
        away = position - self._start
        if not self._moved and away.manhattanLength() < START_PX:
            return
        self._moved = True
        grid = theme.GRID_PX
        to = self._home + away
        self._item.setPos(round(to.x() / grid) * grid, round(to.y() / grid) * grid)
        self._view.follow_links()

    def finish(self, position: QPointF) -> None:
        """Ask for the card's new place."""
        if self._moved:
            at = self._item.pos()
            self._view.moved.emit(self._item.card.id, (at.x(), at.y()))

    def cancel(self) -> None:
        """Put the card back."""
        self._item.setPos(self._home)
        self._view.follow_links()


class Branch:
    """Drag from an output port; in the void it asks which step to add there."""

    def __init__(self, view: PipelineView, item: CardItem) -> None:
        self._view, self._item = view, item
        self._rope = QGraphicsPathItem()
        pen = QPen(QColor(theme.current().accent), 1.5, Qt.PenStyle.DashLine)
        self._rope.setPen(pen)
        view.scene().addItem(self._rope)

    def move(self, position: QPointF) -> None:
        """Stretch the rope."""
        self._rope.setPath(curve(self._item.right_port, position))

    def finish(self, position: QPointF) -> None:
        """Ask for a step where the rope ends in the void."""
        self.cancel()
        if self._view.card_at(position) is None:
            self._view.branch_requested.emit(self._item.card.id, position)

    def cancel(self) -> None:
        """Drop the rope."""
        self._view.scene().removeItem(self._rope)


class Pan:
    """Drag the canvas itself."""

    def __init__(self, view: PipelineView, start: QPointF) -> None:
        self._view, self._start = view, start
        self._bars = (view.horizontalScrollBar(), view.verticalScrollBar())
        self._home = tuple(bar.value() for bar in self._bars)

    def move(self, position: QPointF) -> None:
        """Take the canvas along."""
        away = (position - self._start) * self._view.transform().m11()
        for bar, delta in zip(self._bars, (away.x(), away.y()), strict=True):
            bar.setValue(round(bar.value() - delta))

    def finish(self, position: QPointF) -> None:
        """It stays where it is."""

    def cancel(self) -> None:
        """Put the canvas back."""
        for bar, value in zip(self._bars, self._home, strict=True):
            bar.setValue(value)
