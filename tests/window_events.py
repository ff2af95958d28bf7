"""What the window system sends to the window while something is dragged over it and let go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from studio.gui.main_window import MainWindow
from studio.gui.panels.steps import STEP

LEFT = Qt.MouseButton.LeftButton


def drop(target: QWidget, data: QMimeData, at: QPoint) -> None:
    """What the window system sends while something is dragged in and let go."""
    none, copy = Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    for event in (
        QDragEnterEvent(at, copy, data, LEFT, none),
        QDragMoveEvent(at, copy, data, LEFT, none),
        QDropEvent(QPointF(at), copy, data, LEFT, none),
    ):
        event.setAccepted(not isinstance(event, QDragEnterEvent))  # as Qt does after an enter
        QApplication.sendEvent(target, event)
        assert event.isAccepted()


def drop_file(target: QWidget, path: Path) -> None:
    """A file from the desktop."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    drop(target, data, QPoint(300, 200))


def drop_step(window: MainWindow, step: str, at: QPointF) -> None:
    """Drag a row of the palette to a place of the canvas."""
    steps = window.parts.steps
    groups = [steps.topLevelItem(index) for index in range(steps.topLevelItemCount())]
    rows = [group.child(index) for group in groups for index in range(group.childCount())]
    data = steps.mimeData([row for row in rows if row.data(0, STEP) == step])
    drop(window.canvas.viewport(), data, window.canvas.mapFromScene(at))
