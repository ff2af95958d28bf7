"""The budget: flash and RAM of the selected variant on every chosen board."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from studio.gui.layout import flat_button, within_screen
from studio.gui.panels.advice import AdviceList
from studio.gui.panels.board_chooser import BoardChooser
from studio.gui.panels.board_rows import NAME_PX, BoardRow, BoardRowWidget
from studio.targets.library import known, names_file, profiles


class BudgetPanel(QWidget):
    """A heading, a row a board, what would make it fit, and what leads to other boards."""

    board_chosen = Signal(str)
    boards_chosen = Signal(object)
    favourites_changed = Signal(object)
    command_wanted = Signal(str)
    chooser_opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("surface")
        self.rows: dict[str, BoardRowWidget] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 0, 8, 4)
        self._column.setSpacing(0)
        self._column.addLayout(self._head())
        self.choose = QPushButton("Compare boards\u2026")
        self.choose.setProperty("link", "true")
        self.choose.setAccessibleName("Choose the boards to compare")
        self.choose.clicked.connect(self.open_chooser)
        self.application = QPushButton()
        self.application.setProperty("link", "true")
        self.application.setToolTip("What the rest of your firmware takes, counted on every board")
        self.application.clicked.connect(lambda: self.command_wanted.emit("my_application"))
        self.show_application("")
        self.favourites: set[str] = set()
        self.own: list[str] = []
        self.filter, self.fitting = QLineEdit(), flat_button("Fits", "Only boards that it fits")
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the boards")
        self.filter.setFixedWidth(96)
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.fitting.setCheckable(True)
        self.fitting.toggled.connect(self._filter)
        self.advice = AdviceList()
        self._column.addWidget(self.advice)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.setContentsMargins(2, 4, 0, 0)
        foot.addWidget(self.choose)
        foot.addStretch(1)
        foot.addWidget(self.filter)
        foot.addWidget(self.fitting)
        self._column.addLayout(foot)
        last = QHBoxLayout()
        last.setContentsMargins(2, 0, 0, 0)
        self.application.setMinimumWidth(64)  # a name of a file never widens the panel
        last.addWidget(self.application)
        last.addStretch(1)
        self._column.addLayout(last)
        self._column.addStretch(1)

    def show_rows(self, rows: Sequence[BoardRow], selected: str) -> None:
        """Show these boards; rows that stay keep their widget and the focus."""
        for board in [board for board in self.rows if board not in {row.board for row in rows}]:
            gone = self.rows.pop(board)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        order = sorted(rows, key=lambda row: row.board not in self.favourites)
        for at, row in enumerate(order):
            widget = self.rows.get(row.board)
            if widget is None:
                widget = self.rows[row.board] = BoardRowWidget(row)
                widget.chosen.connect(self.board_chosen)
                widget.starred.connect(self._star)
            if self._column.indexOf(widget) != at + 1:
                self._column.insertWidget(at + 1, widget)
            widget.show_row(row, row.board == selected, row.board in self.favourites)
        self._filter()

    def show_application(self, takes: str) -> None:
        """Say what the user's application takes; "" where nothing is known of one."""
        text = f"My application: {takes}\u2026" if takes else "My application\u2026"
        self.application.setText(text.replace("&", "&&"))
        self.application.setAccessibleName(text.rstrip("\u2026"))

    def _star(self, board: str) -> None:
        """Make a board a favourite, or none any more; favourites stand first."""
        self.favourites ^= {board}
        self.favourites_changed.emit(sorted(self.favourites))
        rows = [widget.row for widget in self.rows.values()]
        self.show_rows(rows, next((w.row.board for w in self.rows.values() if w.selected), ""))

    def _filter(self) -> None:
        words = self.filter.text().lower().split()
        for widget in self.rows.values():
            row = widget.row
            text = f"{row.name} {row.board} {row.tooltip}".lower()
            misses = self.fitting.isChecked() and (bool(row.over) or row.flash is None)
            widget.setVisible(all(word in text for word in words) and not misses)

    def open_chooser(self) -> BoardChooser:
        """Open the popup with every board below the button."""
        own = dict.fromkeys((*self.own, *filter(names_file, self.rows)))
        every = {**profiles(), **{board: known(board) for board in own}}
        popup = BoardChooser(self.window(), every, list(self.rows))
        popup.changed.connect(self.boards_chosen)
        popup.wanted.connect(self.command_wanted)
        corner = self.choose.mapToGlobal(QPoint(0, self.choose.height() + 4))
        popup.move(within_screen(popup, corner.x() - popup.width() + self.width() - 32, corner.y()))
        popup.show()
        popup.field.setFocus()
        self.chooser_opened.emit(popup)
        return popup

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(0)
        row.addSpacing(NAME_PX + 4)
        for text, tip in (
            ("flash", "Code, tables and weights, of the board's flash"),
            ("RAM", "Arena, state, stack and buffers, of the board's RAM"),
        ):
            label = QLabel(text)
            label.setProperty("role", "muted")
            label.setToolTip(tip)
            label.setMinimumHeight(24)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(label, 1)
        return row
