"""The canvas: shows cards and links, turns mouse and keys into requests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView

from studio.gui import theme
from studio.gui.canvas import paint
from studio.gui.canvas.card import HEIGHT_PX, WIDTH_PX, Card, CardItem
from studio.gui.canvas.gestures import BoxSelect, Branch, DropStep, Gesture, MoveCards, Pan
from studio.gui.canvas.layout import COLUMN_PX, arrange
from studio.gui.canvas.link import CLICK_PX, DROP_PX, LinkItem

STEP_MIME = "application/x-tinyml-step"
ZOOM_RANGE = (0.4, 2.0)
DOTS_PX = 24
MARGIN_PX = 400


class PipelineView(QGraphicsView):
    """The pipeline editor.

    Signals:
        chosen: a node was selected.
        link_chosen: the node above the link that was clicked.
        moved: node to (x, y).
        step_dropped: (step id, parent node): append there.
        step_inserted: (step id, child node): put it above that node.
        files_dropped: paths of files.
        branch_requested: (parent node, scene position): a port was dragged into the void.
        menu_requested: (node, global position).
        zoomed: the scale now.
        remarked: other cards are marked.
    """

    chosen = Signal(str)
    link_chosen = Signal(str)
    moved = Signal(object)
    step_dropped = Signal(str, str)
    step_inserted = Signal(str, str)
    files_dropped = Signal(object)
    branch_requested = Signal(str, object)
    menu_requested = Signal(str, object)
    zoomed = Signal(float)
    remarked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setScene(QGraphicsScene(self))
        self.setAccessibleName("Pipeline")
        self.setAccessibleDescription(
            "Arrow keys move along the pipeline; the tree view shows the same."
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.cards: dict[str, CardItem] = {}
        self.links: list[LinkItem] = []
        self.gesture: Gesture | None = None
        self._parents: dict[str, str | None] = {}
        self._fitted = True
        self._marked: tuple[str, ...] = ()
        self._space = False

    def show_graph(
        self,
        cards: Sequence[Card],
        parents: Mapping[str, str | None],
        placed: Mapping[str, tuple[float, float]],
        selected: str,
    ) -> None:
        """Show these cards; what stays keeps its item, so that nothing flickers."""
        wanted = {card.id: card for card in cards}
        gone = self.cards.keys() - wanted.keys()
        if gone and self.gesture is not None:  # it may hold one of them
            self.gesture.cancel()
            self.gesture = None
        for node in gone:
            self.scene().removeItem(self.cards.pop(node))
        for node, card in wanted.items():
            if node not in self.cards:
                self.cards[node] = CardItem(card)
                self.scene().addItem(self.cards[node])
            elif self.cards[node].card != card:
                self.cards[node].show_card(card)
        if selected not in self._marked or not set(self._marked) <= self.cards.keys():
            self._marked = (selected,)
        self.mark(self._marked)
        if not isinstance(self.gesture, MoveCards):  # nothing pulls cards from under the mouse
            for node, position in arrange(parents, placed).items():
                self.cards[node].setPos(*position)
        if dict(parents) != self._parents or {link.child_card for link in self.links} - set(
            self.cards.values()
        ):
            self._parents = dict(parents)
            self._relink()
        self.follow_links()
        self._grow_scene()

    @property
    def marked(self) -> tuple[str, ...]:
        """The nodes that commands work on: the selected one, and others marked with it."""
        return self._marked

    def mark(self, nodes: Sequence[str]) -> None:
        """Mark these nodes."""
        before, self._marked = self._marked, tuple(nodes)
        for node, item in self.cards.items():
            item.setSelected(node in self._marked)
        if self._marked != before:
            self.remarked.emit()

    def follow_links(self) -> None:
        """Take the links along with their cards."""
        for link in self.links:
            link.follow()

    def card_at(self, position: QPointF) -> CardItem | None:
        """The card at a scene position, ports included."""
        for item in self.cards.values():
            if item.mapRectToScene(item.boundingRect()).contains(position):
                return item
        return None

    def nearest_card(self, position: QPointF) -> CardItem | None:
        """The card whose output is nearest to a scene position."""
        return min(
            self.cards.values(),
            key=lambda card: (card.right_port - position).manhattanLength(),
            default=None,
        )

    def link_at(self, position: QPointF, reach_px: float = DROP_PX) -> LinkItem | None:
        """The link near a scene position."""
        return next((link for link in self.links if link.near(position, reach_px)), None)

    def fit(self) -> None:
        """Show the whole pipeline, at most at natural size."""
        area = self._area()
        if area.isEmpty():
            return
        room = self.viewport().rect()
        scale = min(1.0, room.width() / (area.width() + 48), room.height() / (area.height() + 32))
        self.resetTransform()
        self.set_zoom(scale)
        self.centerOn(area.center())
        self._fitted = True

    def keep_fitted(self) -> None:
        """Show everything again, unless the user chose what to look at."""
        if self._fitted:
            self.fit()

    def set_zoom(self, scale: float) -> None:
        """Show at `scale`, 1 is natural size."""
        scale = min(max(scale, ZOOM_RANGE[0]), ZOOM_RANGE[1])
        factor = scale / self.transform().m11()
        self.scale(factor, factor)
        self._fitted = False
        self.zoomed.emit(scale)

    @property
    def zoom(self) -> float:
        """The scale now."""
        return float(self.transform().m11())

    def neighbour(self, node: str, key: Qt.Key) -> str | None:
        """The node that an arrow key leads to."""
        here = self.cards[node].pos()
        ahead = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }[key]  # fmt: skip
        best: tuple[float, str] | None = None
        for other, item in self.cards.items():
            away = item.pos() - here
            along = away.x() * ahead[0] + away.y() * ahead[1]
            across = abs(away.x() * ahead[1]) + abs(away.y() * ahead[0])
            if along > 0 and (best is None or along + 2 * across < best[0]):
                best = along + 2 * across, other
        return best[1] if best else None

    def _relink(self) -> None:
        for link in self.links:
            self.scene().removeItem(link)
        self.links = [
            LinkItem(self.cards[parent], self.cards[node])
            for node, parent in self._parents.items()
            if parent is not None
        ]
        for link in self.links:
            self.scene().addItem(link)

    def _area(self) -> QRectF:
        area = QRectF()
        for item in self.cards.values():
            area = area.united(QRectF(item.pos().x(), item.pos().y(), WIDTH_PX, HEIGHT_PX))
        return area.united(self._vacant()) if self.cards else area

    def _vacant(self) -> QRectF:
        """Where the first step will stand, while the model stands alone."""
        if len(self.cards) != 1:
            return QRectF()
        [only] = self.cards.values()
        return only.frame.translated(COLUMN_PX, 0)

    def _grow_scene(self) -> None:
        area = self._area()
        self.setSceneRect(area.adjusted(-MARGIN_PX, -MARGIN_PX, MARGIN_PX, MARGIN_PX))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep everything in view."""
        super().resizeEvent(event)
        self.keep_fitted()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:  # noqa: N802 - Qt's name
        """A faint grid of dots."""
        palette = theme.current()
        painter.fillRect(rect, QColor(palette.canvas))
        painter.setPen(QColor(palette.track))
        apart = DOTS_PX * 2 ** max(0, round(math.log2(1 / self.zoom)))  # as far on any scale
        points = [
            QPointF(x, y)
            for x in range(_floor(rect.left(), apart), math.ceil(rect.right()), apart)
            for y in range(_floor(rect.top(), apart), math.ceil(rect.bottom()), apart)
        ]
        painter.drawPoints(points)
        if not (vacant := self._vacant()).isEmpty():
            paint.vacant(painter, vacant)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin a gesture: pan, branch from a port, move cards, or mark them with a box."""
        if self.gesture is not None:
            return
        position = self.mapToScene(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self.gesture = Pan(self, position)
            self._fitted = False
        elif left:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.gesture = self._left_gesture(position, shift)

    def _left_gesture(self, position: QPointF, shift: bool) -> Gesture | None:
        item = self.card_at(position)
        if item is None:
            if (link := self.link_at(position, CLICK_PX)) is not None:
                self.link_chosen.emit(link.parent_card.card.id)
                return None
            return BoxSelect(self, position)
        if item.on_right_port(position):
            return Branch(self, item, position)
        if shift:
            self._toggle(item.card.id)
            return None
        if item.card.id not in self._marked:
            self.chosen.emit(item.card.id)
        return MoveCards(self, item, position)

    def _toggle(self, node: str) -> None:
        """Mark one more card, or one less."""
        if node not in self._marked:
            self.mark((*self._marked, node))
        elif len(self._marked) > 1:
            self.mark([other for other in self._marked if other != node])
        self.chosen.emit(self._marked[-1])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go on with the gesture."""
        if self.gesture is not None:
            self.gesture.move(self.mapToScene(event.position().toPoint()))
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the gesture."""
        if self.gesture is not None:
            gesture, self.gesture = self.gesture, None
            gesture.finish(self.mapToScene(event.position().toPoint()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc cancels a gesture; arrows move the selection; Space lets the mouse pan."""
        if event.key() == Qt.Key.Key_Escape and self.gesture is not None:
            self.gesture.cancel()
            self.gesture = None
            return
        if event.key() == Qt.Key.Key_Space:
            self._hold_space(True)
            return
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        selected = self._marked[-1] if self._marked else None
        if event.key() in arrows and selected is not None:
            if (to := self.neighbour(selected, Qt.Key(event.key()))) is not None:
                self.chosen.emit(to)
                self.ensureVisible(self.cards[to], 32, 32)
            return
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """The mouse does again what it did."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(False)
        else:
            event.ignore()

    def _hold_space(self, on: bool) -> None:
        self._space = on
        shape = Qt.CursorShape.OpenHandCursor if on else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A key that is released elsewhere is not seen."""
        self._hold_space(False)
        super().focusOutEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for the menu of the card under the mouse."""
        item = self.card_at(self.mapToScene(event.pos()))
        if item is not None:
            self.chosen.emit(item.card.id)
            self.menu_requested.emit(item.card.id, event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl and wheel zoom; the wheel alone scrolls."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_zoom(self.zoom * 1.0015 ** event.angleDelta().y())
            event.accept()
        else:
            super().wheelEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take steps and files."""
        data = event.mimeData()
        if data.hasFormat(STEP_MIME):
            self.gesture = DropStep(self, bytes(data.data(STEP_MIME).data()).decode())
            event.acceptProposedAction()
        elif data.hasUrls():
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        """Mark the card or link that would take the step."""
        if self.gesture is not None:
            self.gesture.move(self.mapToScene(event.position().toPoint()))
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """The step goes elsewhere, or Esc was pressed."""
        if self.gesture is not None:
            self.gesture.cancel()
            self.gesture = None

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Append a step to the card, insert it into the link; open a file."""
        data = event.mimeData()
        if data.hasFormat(STEP_MIME):
            step = bytes(data.data(STEP_MIME).data()).decode()
            self.drop_step(step, self.mapToScene(event.position().toPoint()))
        elif data.hasUrls():
            self.files_dropped.emit([url.toLocalFile() for url in data.urls()])
        event.acceptProposedAction()

    def drop_step(self, step: str, position: QPointF) -> None:
        """Request `step` where it was dropped, a scene position."""
        gesture, self.gesture = self.gesture or DropStep(self, step), None
        gesture.finish(position)


def _floor(value: float, grid: int) -> int:
    return math.floor(value / grid) * grid
