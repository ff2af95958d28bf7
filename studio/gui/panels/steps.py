"""The steps that can be added, by group: double-click appends, dragging inserts."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QTreeWidget, QTreeWidgetItem

from studio.compression.step import Needs, Step
from studio.gui import theme
from studio.gui.canvas.view import STEP_MIME
from studio.gui.step_groups import by_group, icon_of

STEP = Qt.ItemDataRole.UserRole
NEEDS = {
    Needs.NOTHING: "Works on the model alone.",
    Needs.SAMPLES: "Needs samples (File, Open data).",
    Needs.LABELS: "Needs labelled samples (File, Open data).",
}


def description(step: Step) -> str:
    """What a step does and needs, for tooltips."""
    text = " ".join((step.params.__doc__ or step.title).split())
    need = NEEDS[Needs.LABELS if Needs.LABELS in step.needs else step.needs]
    return f"{text}\n{need}"


class StepsPanel(QTreeWidget):
    """The palette of steps; `search` stands above it and filters it."""

    add_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inset")
        self.setAccessibleName("Steps")
        self.setAccessibleDescription("Enter adds the step after the selected card.")
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(16)
        self.setIconSize(QSize(16, 16))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a step")
        self.search.setAccessibleName("Find a step")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.itemActivated.connect(self._activated)
        self._fill()

    def _fill(self) -> None:
        for group, some in by_group().items():
            heading = self._group(group)
            for step in some:
                row = QTreeWidgetItem([step.title])
                row.setData(0, STEP, step.id)
                row.setToolTip(0, f"{step.title}\n{description(step)}")
                heading.addChild(row)
        self.expandAll()
        self.recolour()

    def _group(self, title: str) -> QTreeWidgetItem:
        heading = QTreeWidgetItem([title])
        font = self.font()
        font.setBold(True)
        heading.setFont(0, font)
        heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.addTopLevelItem(heading)
        return heading

    def recolour(self) -> None:
        """Draw the groups' icons in the colours of the theme."""
        ink = theme.current().muted
        for heading in self._headings():
            heading.setIcon(0, theme.icon(icon_of(heading.text(0)), ink))

    def _headings(self) -> list[QTreeWidgetItem]:
        found = (self.topLevelItem(row) for row in range(self.topLevelItemCount()))
        return [heading for heading in found if heading is not None]

    def _filter(self, query: str) -> None:
        """Hide the steps, and the groups, in which a word is missing."""
        words = query.lower().split()
        for heading in self._headings():
            rows = [heading.child(row) for row in range(heading.childCount())]
            for row in rows:
                text = f"{heading.text(0)} {row.text(0)} {row.toolTip(0)}".lower()
                row.setHidden(not all(word in text for word in words))
            heading.setHidden(all(row.isHidden() for row in rows))

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:  # type: ignore[override]  # noqa: N802
        """The step's id, for the canvas."""
        data = QMimeData()
        step = items[0].data(0, STEP) if items else None
        if step:
            data.setData(STEP_MIME, step.encode())
        return data

    def _activated(self, item: QTreeWidgetItem) -> None:
        if step := item.data(0, STEP):
            self.add_requested.emit(step)
