"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.compression.step import steps
from studio.gui import theme
from studio.gui.actions import COMMANDS

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

WIDTH_PX = 480
ROWS = 12
ROW_HEIGHT_PX = 28


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the palette."""

    text: str
    detail: str
    run: Callable[[], object]


def match(query: str, text: str) -> int | None:
    """How well `text` answers `query`, smaller is better; None where a letter is missing."""
    text = text.lower()
    if (at := text.find(query.lower())) >= 0:
        return at
    score, position = 100, 0
    for letter in query.lower().replace(" ", ""):
        found = text.find(letter, position)
        if found < 0:
            return None
        score += found - position
        position = found + 1
    return score


class CommandPalette(QFrame):
    """A popup with a search field above the commands that fit."""

    def __init__(self, parent: QWidget, entries: list[Entry], placeholder: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self._entries = entries
        self.field = QLineEdit()
        self.field.setPlaceholderText(placeholder)
        self.field.setAccessibleName(placeholder)
        self.list = QTreeWidget()
        self.list.setObjectName("columns")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setAccessibleName("Matching commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.setFixedSize(WIDTH_PX, 64 + ROWS * ROW_HEIGHT_PX)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self._choose())
        self._filter("")

    def show_at(self, x: int, y: int) -> None:
        """Open with the left upper corner at a global position."""
        self.move(x, y)
        self.show()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Arrow keys move in the list while the field has the focus; Enter chooses."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if event.key() in steps and (count := self.list.topLevelItemCount()):
                row = self.list.indexOfTopLevelItem(self.list.currentItem())
                self._select((row + steps[Qt.Key(event.key())]) % count)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose()
                return True
        return super().eventFilter(watched, event)

    def _filter(self, query: str) -> None:
        scored = [(match(query, entry.text), entry) for entry in self._entries]
        fitting = [(score, entry) for score, entry in scored if score is not None]
        self.list.clear()
        for _, entry in sorted(fitting, key=lambda pair: pair[0]):
            item = QTreeWidgetItem([entry.text, entry.detail])
            item.setData(0, Qt.ItemDataRole.UserRole, entry)
            item.setForeground(1, QColor(theme.current().muted))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setSizeHint(0, QSize(0, ROW_HEIGHT_PX))
            self.list.addTopLevelItem(item)
        self._select(0)

    def _select(self, row: int) -> None:
        if (item := self.list.topLevelItem(row)) is not None:
            self.list.setCurrentItem(item)

    def _choose(self) -> None:
        item = self.list.currentItem()
        self.close()
        if item is not None:
            item.data(0, Qt.ItemDataRole.UserRole).run()


def open_palette(window: MainWindow) -> CommandPalette:
    """Every command that can be done now, and every step, below the search button."""
    actions = window.actions_.by_id
    entries = [
        Entry(c.text.rstrip("\u2026"), actions[name].shortcut().toString(), actions[name].trigger)
        for name, c in COMMANDS.items()
        if actions[name].isEnabled() and name != "command_palette"
    ]
    if window.session.state.model is not None:
        entries += [
            Entry(f"Add step: {step.title}", "", partial(window.add_after_selected, step.id))
            for step in steps().values()
        ]
    palette = CommandPalette(window, entries, "Search or run a command")
    button = window.parts.search
    corner = button.mapToGlobal(QPoint(button.width() - palette.width(), button.height() + 4))
    palette.show_at(corner.x(), corner.y())
    return palette
