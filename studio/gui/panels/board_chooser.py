"""A popup with every board: type to find, tick to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from studio.gui import figures
from studio.targets.profile import Profile

BOARD = Qt.ItemDataRole.UserRole


class BoardChooser(QFrame):
    """Emits the ticked boards, in the order of the list, at every change."""

    changed = Signal(object)

    def __init__(
        self, parent: QWidget, profiles: Mapping[str, Profile], chosen: Iterable[str]
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self._chosen = list(chosen)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find a board, core or part")
        self.field.setAccessibleName("Find a board")
        self.list = QListWidget()
        self.list.setAccessibleName("Boards to compare")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.setFixedSize(440, 480)
        first = sorted(
            profiles.values(), key=lambda p: (p.id not in self._chosen, not p.virtual, p.name)
        )
        for profile in first:
            self._add(profile)
        self.field.textChanged.connect(self._filter)
        self.list.itemChanged.connect(self._ticked)

    def _add(self, profile: Profile) -> None:
        flash, ram = (figures.short_bytes(profile.size_bytes(kind)) for kind in ("flash", "ram"))
        item = QListWidgetItem(f"{profile.name}    {profile.core}, {flash} flash, {ram} RAM")
        item.setData(BOARD, profile.id)
        item.setToolTip(f"{profile.mcu}\n{profile.sources}")
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        ticked = profile.id in self._chosen
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.list.addItem(item)

    def _filter(self, query: str) -> None:
        words = query.lower().split()
        for row in range(self.list.count()):
            item = self.list.item(row)
            text = f"{item.text()} {item.data(BOARD)} {item.toolTip()}".lower()
            item.setHidden(not all(word in text for word in words))

    def _ticked(self, item: QListWidgetItem) -> None:
        board = item.data(BOARD)
        if item.checkState() == Qt.CheckState.Checked and board not in self._chosen:
            self._chosen.append(board)
        elif item.checkState() == Qt.CheckState.Unchecked and board in self._chosen:
            self._chosen.remove(board)
        self.changed.emit(tuple(self._chosen))
