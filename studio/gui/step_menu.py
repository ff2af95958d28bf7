"""A menu of the steps that can stand at a place of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QWidget, QWidgetAction

from studio.gui.step_groups import by_group


class StepMenu(QMenu):
    """Steps by group; those that turn out not to fit are switched off, with the reason."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(title, parent)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        self.entries: dict[str, QAction] = {}
        for group, some in by_group().items():
            self.addAction(_heading(self, group))
            for step in some:
                action = self.entries[step.id] = self.addAction(step.title)
                action.triggered.connect(lambda *_, s=step.id: self.chosen.emit(s))

    def show_misfits(self, misfits: Mapping[str, str]) -> None:
        """Switch off the steps that cannot be applied here, and say why."""
        for step, why in misfits.items():
            self.entries[step].setEnabled(False)
            self.entries[step].setToolTip(why)


def _heading(menu: QMenu, text: str) -> QWidgetAction:
    """A line that cannot be chosen."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setContentsMargins(12, 8, 12, 4)
    heading = QWidgetAction(menu)
    heading.setText(text)  # for screen readers
    heading.setDefaultWidget(label)
    heading.setEnabled(False)
    return heading
