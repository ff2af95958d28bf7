"""The layers of the selected variant with their work, for the left column."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from studio.budget.arena_map import short_names
from studio.compiler.program import Program
from studio.gui import figures, theme
from studio.gui.panels.layers import call_of

EMPTY = "Open a model to see which layer does how much work."


class LayerList(QTreeWidget):
    """Name and multiply-accumulates of each call; `layer_chosen` carries its name."""

    layer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("layers")
        self.setAccessibleName("Layers and their work")
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setFont(theme.tabular())
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.currentItemChanged.connect(self._changed)
        self._program: Program | None = None
        self._why_none = EMPTY

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say what comes here while there is nothing."""
        super().paintEvent(event)
        if self.topLevelItemCount() == 0:
            painter = QPainter(self.viewport())
            painter.setFont(theme.tabular())
            painter.setPen(QColor(theme.current().muted))
            area = self.viewport().rect().adjusted(8, 8, -8, -8)
            painter.drawText(area, int(Qt.TextFlag.TextWordWrap), self._why_none)
            painter.end()

    def show_program(self, program: Program | None, why_none: str) -> None:
        """List the calls of `program`, or say why there are none."""
        self._why_none = why_none or EMPTY
        if program is self._program:
            return
        self._program = program
        self.blockSignals(True)  # a row that goes makes its neighbour the current one
        self.clear()
        self.blockSignals(False)
        names = short_names(program) if program else []
        for name, call in zip(names, program.calls if program else (), strict=True):
            work = figures.short_count(call.macs, "MAC") if call.macs else ""
            item = QTreeWidgetItem([name, work])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, f"{call.layer}: {call.kernel}")
            item.setToolTip(1, f"{figures.grouped(call.macs)} multiply-accumulates\nComputed")
            self.addTopLevelItem(item)
        self.recolour()

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        ink = QColor(theme.current().muted)
        for row in range(self.topLevelItemCount()):
            if (item := self.topLevelItem(row)) is not None:
                item.setForeground(1, ink)

    def _changed(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and self._program is not None:
            call = self._program.calls[self.indexOfTopLevelItem(item)]
            self.layer_chosen.emit(call.layer.split(";")[0])

    def show_layer(self, layer: str) -> None:
        """Mark the row of a layer."""
        row = call_of(self._program, layer)
        self.blockSignals(True)
        item = None if row is None else self.topLevelItem(row)
        self.clearSelection() if item is None else self.setCurrentItem(item)
        self.blockSignals(False)
