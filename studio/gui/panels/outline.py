"""The pipeline as a tree: everything that the canvas can do, for keys and screen readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from studio.gui import theme
from studio.gui.canvas.card import Card

NODE = Qt.ItemDataRole.UserRole


class OutlinePanel(QTreeWidget):
    """Cards as rows, children below their parent."""

    chosen = Signal(str)
    menu_requested = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("columns")
        self.setAccessibleName("Pipeline as a tree")
        self.setColumnCount(4)
        self.setHeaderLabels(["Node", "State", "Figures", "Detail"])
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setFont(theme.tabular())
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
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
            item = QTreeWidgetItem([card.title, card.state_text, card.summary, card.detail])
            item.setData(0, NODE, node)
            item.setToolTip(0, card.tooltip)
            self._items[node] = item
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

    def _changed(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(0, NODE))

    def _menu(self, position: QPoint) -> None:
        item = self.itemAt(position)
        if item is not None:
            self.menu_requested.emit(item.data(0, NODE), self.viewport().mapToGlobal(position))
