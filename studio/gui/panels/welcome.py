"""What stands on the canvas while no model is open: where to begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.project import EXAMPLE

SHOWN = 4
COLUMN_PX = 328
ICON_PX = 16
LOW_PX = 288
FORMATS = "ONNX, TFLite, Keras and PyTorch models, .tinyml projects, data sets"


class Row(QPushButton):
    """A line to click: icon, title, and in grey what it is."""

    def __init__(self, icon: str, title: str, detail: str) -> None:
        super().__init__()
        self.setProperty("row", "true")
        self.setFixedHeight(32)
        self._name, self._full = icon, detail
        self._icon, self._title, self._detail = QLabel(), QLabel(title), QLabel()
        self._detail.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        for label in (self._icon, self._title, self._detail):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            row.addWidget(label, 1 if label is self._detail else 0)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._detail.setMinimumWidth(1)
        self.recolour()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show as much of the detail as there is room for."""
        super().resizeEvent(event)
        room = self.width() - ICON_PX - self._title.sizeHint().width() - 40
        metrics = self._detail.fontMetrics()
        shown = metrics.elidedText(self._full, Qt.TextElideMode.ElideMiddle, max(room, 0))
        self._detail.setText(shown)

    def recolour(self) -> None:
        """Draw the icon in the colours of the theme."""
        icon = theme.icon(self._name, theme.current().accent)
        self._icon.setPixmap(icon.pixmap(ICON_PX, ICON_PX))


class Welcome(QWidget):
    """Open a model, an example, or what was open; drop a file anywhere.

    Signals:
        chosen: what to open; "" for "ask me".
        tour_wanted: show how it goes.
    """

    chosen = Signal(str)
    tour_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = QLabel()
        self._start, self._recent = _section(), _section()
        self._drop = self._drop_hint()
        grid = QGridLayout()
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(4)
        for at, (title, section) in enumerate((("Start", self._start), ("Recent", self._recent))):
            heading = QLabel(title.upper())
            heading.setProperty("role", "heading")
            heading.setContentsMargins(8, 0, 0, 4)
            grid.addWidget(heading, 0, at)
            grid.addLayout(section, 1, at, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(at, 1)
        page = QWidget()
        page.setMaximumWidth(2 * COLUMN_PX + 32)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 0, 16, 16)
        column.setSpacing(16)
        column.addStretch(1)
        column.addLayout(self._head())
        column.addLayout(grid)
        column.addWidget(self._drop)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(page, 100)
        row.addStretch(1)
        self._offer_start()
        self.show_recent((), ())
        self.recolour()

    def _head(self) -> QHBoxLayout:
        title, about = QLabel("TinyML Studio"), QLabel()
        title.setFont(theme.scaled(1.5, bold=True))
        about.setText("Compress a neural network, see which boards it fits, put it there.")
        about.setProperty("role", "muted")
        told = QVBoxLayout()
        told.setSpacing(0)
        told.addWidget(title)
        told.addWidget(about)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self._mark)
        row.addLayout(told, 1)
        return row

    def _drop_hint(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("drop")
        what, formats = QLabel("Drop a file anywhere"), QLabel(FORMATS)
        formats.setProperty("role", "muted")
        column = QVBoxLayout(frame)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(0)
        for label in (what, formats):
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        return frame

    def _offer_start(self) -> None:
        for icon, title, detail, name, opened in (
            ("open", "Open a model\u2026", "Ctrl+O", "Open", ""),
            ("live", "Motion example", "movements, 4 classes", "", f"{EXAMPLE}motion"),
            ("model", "Digits example", "handwriting, 10 classes", "", f"{EXAMPLE}digits"),
        ):
            row = self._add(self._start, icon, title, detail, name or title)
            row.clicked.connect(lambda *_, n=opened: self.chosen.emit(n))
        tour = self._add(self._start, "info", "Take the tour", "four steps", "Tour")
        tour.clicked.connect(self.tour_wanted)

    def show_recent(self, names: Sequence[str], unsaved: Sequence[Path]) -> None:
        """Offer what was opened last, changes that were not saved first."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        offers = [(str(path), "save", f"Restore {_name(path)}", _when(path)) for path in unsaved]
        files = [Path(name) for name in names if not name.startswith(EXAMPLE)]
        offers += [(str(file), _icon(file), file.name, _folder(file)) for file in files]
        for name, icon, title, detail in offers[:SHOWN]:
            row = self._add(self._recent, icon, title, detail, f"Open {name}")
            row.setToolTip(name)
            row.clicked.connect(lambda *_, n=name: self.chosen.emit(n))
        if not offers:
            label = QLabel("Files that you open are listed here.")
            label.setProperty("role", "muted")
            label.setContentsMargins(8, 8, 0, 0)
            self._recent.addWidget(label)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """In a low window what can be clicked is more important."""
        super().resizeEvent(event)
        self._drop.setVisible(self.height() >= LOW_PX)

    def show_drag(self, over: bool) -> None:
        """Mark the place to drop while a file is over the window."""
        self._drop.setProperty("over", "true" if over else "false")
        self._drop.style().unpolish(self._drop)
        self._drop.style().polish(self._drop)

    def recolour(self) -> None:
        """Draw the icons in the colours of the theme."""
        self._mark.setPixmap(theme.icon("model", theme.current().accent).pixmap(40, 40))
        for row in self.findChildren(Row):
            row.recolour()

    def _add(self, section: QVBoxLayout, icon: str, title: str, detail: str, name: str) -> Row:
        row = Row(icon, title, detail)
        row.setAccessibleName(name)
        row.setAccessibleDescription(detail)
        section.addWidget(row)
        return row


def _section() -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(0)
    return column


def _icon(file: Path) -> str:
    return "tree" if file.suffix == ".tinyml" else "model"


def _folder(file: Path) -> str:
    """Where a file is; the user's own folder as ~."""
    home = Path.home()
    inside = file.parent.is_relative_to(home)
    return str(Path("~") / file.parent.relative_to(home)) if inside else str(file.parent)


def _name(copy: Path) -> str:
    """The project that a copy was made of."""
    return copy.stem.rsplit("-", 2)[0]


def _when(copy: Path) -> str:
    """When a copy was written."""
    try:
        return f"unsaved, {datetime.fromtimestamp(copy.stat().st_mtime):%d %b %H:%M}"
    except OSError:
        return "unsaved"
