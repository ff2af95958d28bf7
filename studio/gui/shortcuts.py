"""The dialog in which shortcuts are changed: every command of the registry with its keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.actions import COMMANDS, Actions

ID = Qt.ItemDataRole.UserRole


class ShortcutsDialog(QDialog):
    """Choose a command, press keys; what another command has is taken from it."""

    def __init__(self, parent: QWidget, actions: Actions) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 560)
        self._actions = actions
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a command")
        self.search.setAccessibleName("Find a command")
        self.search.textChanged.connect(self._filter)
        self.list = QTreeWidget()
        self.list.setObjectName("columns")
        self.list.setAccessibleName("Commands and their keys")
        self.list.setRootIsDecorated(False)
        self.list.setHeaderLabels(["Command", "Menu", "Keys"])
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        for field in (self.keys, *self.keys.findChildren(QLineEdit)):
            field.setAccessibleName("Press the new keys")
        self.keys.editingFinished.connect(self._assign)
        self.told = QLabel()
        self.told.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        for widget in (self.search, self.list):
            column.addWidget(widget)
        column.addLayout(self._foot())
        column.addWidget(self.told)
        self._fill()
        self.list.currentItemChanged.connect(self._chosen)
        self.choose(next(iter(COMMANDS)))

    def _foot(self) -> QHBoxLayout:
        reset, close = QPushButton("Reset all"), QPushButton("Close")
        reset.clicked.connect(self._reset)
        close.clicked.connect(self.close)
        for button in (reset, close):
            button.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(QLabel("Press keys"))
        row.addWidget(self.keys, 1)
        row.addWidget(reset)
        row.addWidget(close)
        return row

    @property
    def chosen(self) -> str:
        """The id of the command whose keys are changed."""
        item = self.list.currentItem()
        return str(item.data(0, ID)) if item else ""

    def choose(self, command: str) -> None:
        """Change the keys of this command."""
        for row in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(row)
            if item is not None and item.data(0, ID) == command:
                self.list.setCurrentItem(item)

    def _fill(self) -> None:
        self.list.clear()
        for name, command in COMMANDS.items():
            keys = self._actions.by_id[name].shortcut().toString()
            item = QTreeWidgetItem([command.text.rstrip("\u2026"), command.menu, keys])
            item.setData(0, ID, name)
            self.list.addTopLevelItem(item)

    def _filter(self, query: str) -> None:
        for row in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(row)
            if item is not None:
                texts = " ".join(item.text(column) for column in range(3)).lower()
                item.setHidden(not all(word in texts for word in query.lower().split()))

    def _chosen(self) -> None:
        if self.chosen:
            self.keys.setKeySequence(self._actions.by_id[self.chosen].shortcut())

    def _assign(self) -> None:
        command, keys = self.chosen, self.keys.keySequence().toString()
        if not command or keys == self._actions.by_id[command].shortcut().toString():
            return
        robbed = self._actions.assign(command, keys)
        text = f"{keys or 'No keys'}: {COMMANDS[command].text}"
        self.told.setText(f"{text}; taken from {COMMANDS[robbed].text}" if robbed else text)
        self._fill()
        self.choose(command)

    def _reset(self) -> None:
        self._actions.reset()
        self.told.setText("All shortcuts are as they were at first")
        self._fill()
