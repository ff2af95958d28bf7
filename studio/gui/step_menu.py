"""A menu of the steps that can stand at a place of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from studio.compression.step import steps


class StepMenu(QMenu):
    """Steps by group; those that turn out not to fit are switched off, with the reason."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(title, parent)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        self.entries: dict[str, QAction] = {}
        groups = dict.fromkeys(step.group for step in steps().values())
        for group in groups:
            self.addSection(group)
            for step in (step for step in steps().values() if step.group == group):
                action = self.entries[step.id] = self.addAction(step.title)
                action.triggered.connect(lambda *_, s=step.id: self.chosen.emit(s))

    def show_misfits(self, misfits: Mapping[str, str]) -> None:
        """Switch off the steps that cannot be applied here, and say why."""
        for step, why in misfits.items():
            self.entries[step].setEnabled(False)
            self.entries[step].setToolTip(why)
