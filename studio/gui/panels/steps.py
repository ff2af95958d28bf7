"""The steps that can be added, by group: double-click appends, dragging inserts."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem

from studio.compression.step import Needs, Step
from studio.gui.canvas.view import STEP_MIME

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
    """The palette of steps."""

    add_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inset")
        self.setAccessibleName("Steps")
        self.setAccessibleDescription("Enter adds the step after the selected card.")
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(12)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.itemActivated.connect(self._activated)

    def show_steps(self, found: dict[str, Step]) -> None:
        """List these steps under their groups."""
        self.clear()
        groups: dict[str, QTreeWidgetItem] = {}
        for step in found.values():
            if step.group not in groups:
                groups[step.group] = self._group(step.group)
            row = QTreeWidgetItem([step.title])
            row.setData(0, STEP, step.id)
            row.setToolTip(0, description(step))
            groups[step.group].addChild(row)
        self.expandAll()

    def _group(self, title: str) -> QTreeWidgetItem:
        heading = QTreeWidgetItem([title])
        font = self.font()
        font.setBold(True)
        heading.setFont(0, font)
        heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.addTopLevelItem(heading)
        return heading

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
