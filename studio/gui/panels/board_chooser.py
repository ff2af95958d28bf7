"""A popup with every board: type to find, tick to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.errors import ProfileError
from studio.gui import figures, theme
from studio.gui.layout import tooltip
from studio.targets.library import called, names_file
from studio.targets.profile import Profile

BOARD = Qt.ItemDataRole.UserRole
READING = "\u2026"
OWN = {"add_board_file": "Add a board file\u2026", "describe_board": "Describe a board\u2026"}
"""Commands that lead to a board of the user's own."""


class BoardChooser(QFrame):
    """Emits the ticked boards, in the order of the list, at every change.

    Signals:
        changed: the ticked boards.
        wanted: the command that was asked for in place of a board of the list.
    """

    changed = Signal(object)
    wanted = Signal(str)

    def __init__(
        self, parent: QWidget, profiles: Mapping[str, Profile | None], chosen: Iterable[str]
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self._chosen = list(chosen)
        self._items: dict[str, QTreeWidgetItem] = {}
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find a board, core or part")
        self.field.setAccessibleName("Find a board")
        self.list = QTreeWidget()
        self.list.setObjectName("columns")
        self.list.setRootIsDecorated(False)
        self.list.setFont(theme.tabular())
        self.list.setHeaderLabels(["Board", "Core", "Flash", "RAM"])
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.setAccessibleName("Boards to compare")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        column.addLayout(self._foot())
        self.setFixedSize(520, 480)
        first = sorted(
            profiles.items(),
            key=lambda item: (
                item[0] not in self._chosen,
                not names_file(item[0]),
                item[1] is not None and not item[1].virtual,
                called(item[0]),
            ),
        )
        for board, profile in first:
            self._add(board, profile)
        self.field.textChanged.connect(self._filter)
        self.list.itemChanged.connect(self._ticked)

    def _foot(self) -> QHBoxLayout:
        """What leads to boards that are not in the list."""
        row = QHBoxLayout()
        row.setSpacing(8)
        for command, text in OWN.items():
            button = QPushButton(text)
            button.setProperty("link", "true")
            button.setAccessibleName(text.rstrip("\u2026"))
            button.clicked.connect(partial(self._leave, command))
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _leave(self, command: str) -> None:
        self.close()
        self.wanted.emit(command)

    @property
    def own(self) -> list[str]:
        """The boards of the user's in the list."""
        return [board for board in self._items if names_file(board)]

    def show_read(self, found: Mapping[str, Profile | ProfileError]) -> None:
        """Take in what files say; those that cannot be read stay only to be given up."""
        with QSignalBlocker(self.list):
            for board, said in found.items():
                item = self._items[board]
                if isinstance(said, Profile):
                    _describe(item, said)
                elif board in self._chosen:
                    for column, text in enumerate(("cannot be read", "\u2013", "\u2013"), 1):
                        item.setText(column, text)
                    item.setToolTip(0, tooltip(str(said)))
                else:
                    self.list.takeTopLevelItem(self.list.indexOfTopLevelItem(item))
        self._filter(self.field.text())

    def _add(self, board: str, profile: Profile | None) -> None:
        item = QTreeWidgetItem([called(board), READING])
        item.setData(0, BOARD, board)
        item.setToolTip(0, board)
        if profile is not None:
            _describe(item, profile)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        ticked = board in self._chosen
        item.setCheckState(0, Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        for column in (2, 3):
            item.setTextAlignment(
                column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
        self.list.addTopLevelItem(item)
        self._items[board] = item

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Down leads from the field to the boards that it leaves, where Space ticks."""
        if event.key() != Qt.Key.Key_Down:
            super().keyPressEvent(event)
            return
        rows = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        shown = next((row for row in rows if row is not None and not row.isHidden()), None)
        if shown is not None:
            self.list.setCurrentItem(shown)
            self.list.setFocus()

    def _filter(self, query: str) -> None:
        words = query.lower().split()
        for row in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(row)
            assert item is not None
            parts = (item.text(0), item.text(1), item.data(0, BOARD), item.toolTip(0))
            text = " ".join(parts).lower()
            item.setHidden(not all(word in text for word in words))

    def _ticked(self, item: QTreeWidgetItem) -> None:
        board = item.data(0, BOARD)
        ticked = item.checkState(0) == Qt.CheckState.Checked
        if ticked and board not in self._chosen:
            self._chosen.append(board)
        elif not ticked and board in self._chosen:
            self._chosen.remove(board)
        self.changed.emit(tuple(self._chosen))


def _describe(item: QTreeWidgetItem, profile: Profile) -> None:
    """Name, core and sizes."""
    flash, ram = (figures.short_bytes(profile.size_bytes(kind)) for kind in ("flash", "ram"))
    for column, text in enumerate((profile.name, profile.core, flash, ram)):
        item.setText(column, text)
    board = item.data(0, BOARD)
    where = f"\n{board}" if names_file(board) else ""
    item.setToolTip(0, tooltip(f"{profile.mcu}\n{profile.sources}{where}"))
