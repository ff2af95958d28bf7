"""What the mouse does on the canvas: each gesture has a start, an end and a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem

from studio.gui import theme
from studio.gui.canvas.card import CardItem
from studio.gui.canvas.link import LinkItem, curve

if TYPE_CHECKING:
    from studio.gui.canvas.view import PipelineView

START_PX = 4
END_PX = 4


class Gesture(Protocol):
    """A movement with a button held, or with a step under the mouse; positions are the scene's."""

    def move(self, position: QPointF) -> None:
        """The mouse is at `position` now."""

    def finish(self, position: QPointF) -> None:
        """The button was released at `position`."""

    def cancel(self) -> None:
        """Esc: as if it had never begun."""


class MoveCards:
    """Drag the marked cards; the grid of 8 pixels holds them. A mere click chooses one of them."""

    def __init__(self, view: PipelineView, clicked: CardItem, start: QPointF) -> None:
        self._view, self._clicked, self._start = view, clicked, start
        self._homes = {view.cards[node]: view.cards[node].pos() for node in view.marked}
        self._moved = False

    def move(self, position: QPointF) -> None:
        """Take the cards along."""
        away = position - self._start
        if not self._moved and away.manhattanLength() < START_PX:
            return
        self._moved = True
        grid = theme.GRID_PX
        for item, home in self._homes.items():
            to = home + away
            item.setPos(round(to.x() / grid) * grid, round(to.y() / grid) * grid)
        self._view.follow_links()

    def finish(self, position: QPointF) -> None:
        """Ask for the cards' new places."""
        if self._moved:
            places = {item.card.id: (item.x(), item.y()) for item in self._homes}
            self._view.moved.emit(places)
        elif len(self._homes) > 1:
            self._view.mark([self._clicked.card.id])
            self._view.chosen.emit(self._clicked.card.id)

    def cancel(self) -> None:
        """Put the cards back."""
        for item, home in self._homes.items():
            item.setPos(home)
        self._view.follow_links()


class Branch:
    """Drag from an output port, or click it; in the void it asks which step to add there."""

    def __init__(self, view: PipelineView, item: CardItem, start: QPointF) -> None:
        self._view, self._item, self._start = view, item, start
        self._rope = QGraphicsPathItem()
        pen = QPen(QColor(theme.current().accent), 1.5, Qt.PenStyle.DashLine)
        self._rope.setPen(pen)
        view.scene().addItem(self._rope)

    def move(self, position: QPointF) -> None:
        """Stretch the rope; its end shows where the step will stand."""
        path = curve(self._item.right_port, position)
        path.addEllipse(position, END_PX, END_PX)
        self._rope.setPath(path)

    def finish(self, position: QPointF) -> None:
        """Ask for a step where the rope ends in the void."""
        self.cancel()
        clicked = (position - self._start).manhattanLength() < START_PX
        if clicked or self._view.card_at(position) is None:
            self._view.branch_requested.emit(self._item.card.id, position)

    def cancel(self) -> None:
        """Drop the rope."""
        self._view.scene().removeItem(self._rope)


class BoxSelect:
    """Drag over the void: the cards that the box touches are marked."""

    def __init__(self, view: PipelineView, start: QPointF) -> None:
        self._view, self._start = view, start
        self._before = view.marked
        self._box = QGraphicsRectItem()
        accent = QColor(theme.current().accent)
        self._box.setPen(QPen(accent, 1))
        accent.setAlpha(32)
        self._box.setBrush(accent)
        self._box.setZValue(2)
        view.scene().addItem(self._box)

    def move(self, position: QPointF) -> None:
        """Stretch the box and mark what it touches."""
        area = QRectF(self._start, position).normalized()
        self._box.setRect(area)
        self._view.mark(self._touched(area))

    def finish(self, position: QPointF) -> None:
        """Choose what the box touches; nothing where it touches nothing."""
        touched = self._touched(QRectF(self._start, position).normalized())
        self.cancel()
        if touched:
            self._view.chosen.emit(touched[-1])
            self._view.mark(touched)

    def cancel(self) -> None:
        """Drop the box; the marks are what they were."""
        self._view.scene().removeItem(self._box)
        self._view.mark(self._before)

    def _touched(self, area: QRectF) -> tuple[str, ...]:
        cards = self._view.cards
        return tuple(node for node, item in cards.items() if item.frame.intersects(area))


class Pan:
    """Drag the canvas itself."""

    def __init__(self, view: PipelineView, start: QPointF) -> None:
        self._view = view
        self._start = view.mapFromScene(start)
        self._bars = (view.horizontalScrollBar(), view.verticalScrollBar())
        self._home = tuple(bar.value() for bar in self._bars)

    def move(self, position: QPointF) -> None:
        """Take the canvas along."""
        away = self._view.mapFromScene(position) - self._start
        self._start = self._view.mapFromScene(position)
        for bar, delta in zip(self._bars, (away.x(), away.y()), strict=True):
            bar.setValue(bar.value() - delta)

    def finish(self, position: QPointF) -> None:
        """It stays where it is."""

    def cancel(self) -> None:
        """Put the canvas back."""
        for bar, value in zip(self._bars, self._home, strict=True):
            bar.setValue(value)


class DropStep:
    """A step of the palette over the canvas: a card appends it, a link takes it in."""

    def __init__(self, view: PipelineView, step: str) -> None:
        self._view, self._step = view, step
        self._target: CardItem | LinkItem | None = None

    def move(self, position: QPointF) -> None:
        """Mark the card or link that would take the step; in the void the nearest card does."""
        here = self._view.card_at(position) or self._view.link_at(position)
        self._aim(here or self._view.nearest_card(position))

    def finish(self, position: QPointF) -> None:
        """Ask for the step."""
        self.move(position)
        target, view = self._target, self._view
        self.cancel()
        if isinstance(target, LinkItem):
            view.step_inserted.emit(self._step, target.child_card.card.id)
        elif target is not None:
            view.step_dropped.emit(self._step, target.card.id)

    def cancel(self) -> None:
        """Unmark."""
        self._aim(None)

    def _aim(self, target: CardItem | LinkItem | None) -> None:
        for item, on in ((self._target, False), (target, True)):
            if item is not None:
                item.target = on
                item.update()
        self._target = target
