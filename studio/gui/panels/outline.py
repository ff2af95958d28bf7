"""The pipeline as a tree: everything that the canvas can do, for keys and screen readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QMimeData, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from studio.gui import theme
from studio.gui.canvas.card import Card, Mini
from studio.gui.canvas.paint import STATES
from studio.gui.canvas.view import STEP_MIME

NODE = Qt.ItemDataRole.UserRole
NODE_MIME = "application/x-tinyml-node"
COLUMNS = ("Step", "State", "Accuracy", "Flash", "RAM", "Detail")


class OutlinePanel(QTreeWidget):
    """Cards as rows, children below their parent; a row is dragged below another one.

    Signals:
        chosen: a node.
        menu_requested: a node, and where on the screen.
        moved: a node, and the one that it was dropped on.
        step_dropped: a step of the palette, and the node that it was dropped on.
    """

    chosen = Signal(str)
    menu_requested = Signal(str, object)
    moved = Signal(str, str)
    step_dropped = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("columns")
        self.setAccessibleName("Pipeline as a tree")
        self.setHeaderLabels(COLUMNS)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.header().setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.setIconSize(QSize(16, 16))
        self.setFont(theme.tabular())
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.currentItemChanged.connect(self._changed)
        self._items: dict[str, QTreeWidgetItem] = {}

    @property
    def marked(self) -> tuple[str, ...]:
        """The nodes that commands work on."""
        return tuple(item.data(0, NODE) for item in self.selectedItems())

    def show_graph(
        self, cards: Sequence[Card], parents: Mapping[str, str | None], selected: str
    ) -> None:
        """Show these cards."""
        marked = self.marked
        self.blockSignals(True)
        self.clear()
        self._items = {}
        by_id = {card.id: card for card in cards}
        for node, parent in parents.items():
            card = by_id[node]
            item = self._items[node] = _row(card)
            if parent is None:
                self.addTopLevelItem(item)
            else:
                self._items[parent].addChild(item)
        self.expandAll()
        if selected in self._items:
            self.setCurrentItem(self._items[selected])
            for node in marked if selected in marked else ():
                if node in self._items:
                    self._items[node].setSelected(True)
        self.blockSignals(False)

    def rect_of(self, node: str) -> QRect:
        """Where a row is in the viewport."""
        return self.visualItemRect(self._items[node])

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:  # type: ignore[override]  # noqa: N802
        """The node that is dragged."""
        data = QMimeData()
        if items:
            data.setData(NODE_MIME, items[0].data(0, NODE).encode())
        return data

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take rows and steps; files are the window's."""
        data = event.mimeData()
        if data.hasFormat(NODE_MIME) or data.hasFormat(STEP_MIME):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        """Only a row takes something."""
        if self.itemAt(event.position().toPoint()) is not None:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for the move, or for the step; the session brings the rows."""
        item, data = self.itemAt(event.position().toPoint()), event.mimeData()
        if item is None:
            event.ignore()
            return
        node = item.data(0, NODE)
        event.setDropAction(Qt.DropAction.CopyAction)  # a move would take the row away
        event.accept()
        if data.hasFormat(STEP_MIME):
            self.step_dropped.emit(bytes(data.data(STEP_MIME).data()).decode(), node)
        elif (moved := bytes(data.data(NODE_MIME).data()).decode()) in self._items:
            self.moved.emit(moved, node)

    def _changed(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(0, NODE))

    def _menu(self, position: QPoint) -> None:
        item = self.itemAt(position)
        if item is not None:
            self.menu_requested.emit(item.data(0, NODE), self.viewport().mapToGlobal(position))


def _row(card: Card) -> QTreeWidgetItem:
    figures = [mini.value + _changed(mini) for mini in card.figures]
    figures += [""] * (3 - len(figures))
    item = QTreeWidgetItem([card.full_title, card.state_text, *figures, card.detail])
    palette, (icon, colour) = theme.current(), STATES[card.state]
    item.setIcon(0, theme.icon(card.icon, palette.muted))
    item.setIcon(1, theme.icon(icon, getattr(palette, colour)))
    item.setData(0, NODE, card.id)
    item.setToolTip(0, card.tooltip)
    item.setToolTip(5, card.detail)
    return item


def _changed(mini: Mini) -> str:
    """The change without the name, which stands in the heading."""
    change = mini.change.removeprefix("flash").removeprefix("RAM").strip()
    return f"   {change}" if change else ""
