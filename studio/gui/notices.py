"""Notices: what went wrong, where, what to do next; and the one crash dialog."""

from __future__ import annotations

import sys
import traceback

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.errors import StudioError
from studio.gui import theme

GOOD_FOR_MS = 6000
DETAIL_LINES = 5
MARGIN_PX = 16
HEAD_PX = 26
"""The height of a flat button."""


class Notice(QFrame):
    """One message above the canvas; `work` is what failed, "" where that is no matter."""

    closed = Signal()
    resized = Signal()

    def __init__(
        self, what: str, where: str, hint: str, details: str, kind: str, work: str = ""
    ) -> None:
        super().__init__()
        self.work = work
        self.setObjectName("notice")
        self.setProperty("kind", kind)
        self.setAccessibleName(f"{kind}: {what}")
        self.text = "\n".join(part for part in (what, where, hint, details) if part)
        self._details = QPlainTextEdit(details)
        self._details.setObjectName("details")
        self._details.setReadOnly(True)
        self._details.setFont(theme.fixed_width())
        lines = min(details.count("\n") + 1, DETAIL_LINES)
        self._details.setFixedHeight(lines * self._details.fontMetrics().lineSpacing() + 16)
        self._details.setAccessibleName("Details")
        self._details.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(4)
        column.addLayout(self._head(what, kind, bool(details)))
        for text, role in ((where, "muted"), (hint, "")):
            if text:
                column.addWidget(_line(text, role))
        column.addWidget(self._details)

    def _turn(self) -> None:
        """Show the details, or hide them."""
        self._details.setVisible(not self._details.isVisible())
        self.resized.emit()

    def _head(self, what: str, kind: str, expandable: bool) -> QHBoxLayout:
        palette = theme.current()
        mark = QLabel()
        name, colour = ("over", palette.bad) if kind == "error" else ("info", palette.accent)
        mark.setPixmap(theme.icon(name, colour).pixmap(16, 16))
        mark.setFixedHeight(HEAD_PX)  # in the middle of the first line
        title = _line(what, "title")
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(title, 1)
        if expandable:
            details = _flat("Details")
            details.clicked.connect(self._turn)
            row.addWidget(details, 0, Qt.AlignmentFlag.AlignTop)
        copy, close = _flat("Copy"), _flat("Close")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text))
        close.clicked.connect(self.closed)
        row.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        return row


class Notices(QScrollArea):
    """The stack of notices; lies over its parent, of which it never covers all.

    Args:
        top_px: how far below the parent's upper edge it begins.
    """

    LIMIT = 3
    SHARE = 0.5
    """How much of the height of its parent it takes; beyond that it scrolls."""
    WIDTH_PX = 480

    def __init__(self, top_px: int) -> None:
        super().__init__()
        self._top_px = top_px
        self.setObjectName("notices")
        self.setAccessibleName("Notices")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        page = QWidget()
        page.setObjectName("notices")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.setWidget(page)
        self._shown: list[Notice] = []
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Narrower lines are higher."""
        super().resizeEvent(event)
        self._fit()

    def lie_over(self, parent: QWidget) -> None:
        """Lie at the right upper corner of `parent`, whatever its size."""
        self.setParent(parent)
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow the parent's size."""
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._fit()
        return False

    def _fit(self) -> None:
        """As high as the notices, within bounds."""
        parent = self.parentWidget()
        if parent is None:
            return
        width = min(self.WIDTH_PX, parent.width() - 2 * MARGIN_PX)
        inner = self._column.totalHeightForWidth(width)
        height = max(0, min(inner, int(self.SHARE * parent.height())))
        # A bar that once was there would stay: beside it lines are narrower, and so higher.
        needed = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        never = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(needed if inner > height else never)
        self.setGeometry(parent.width() - width - MARGIN_PX, self._top_px, width, height)

    @property
    def shown(self) -> tuple[Notice, ...]:
        """The notices on show, oldest first."""
        return tuple(self._shown)

    def error(self, error: StudioError, details: str = "", work: str = "") -> None:
        """Show an error until the user closes it, or `work` succeeds; the same one once."""
        what = error.what[:1].upper() + error.what[1:]
        self._show(Notice(what, error.where, error.hint, details, "error", work))

    def mended(self, work: str) -> None:
        """What failed before went well: close its errors."""
        for notice in self.shown:
            if notice.work == work:
                self._close(notice)

    def good(self, what: str, where: str = "") -> None:
        """Show good news for some seconds."""
        notice = Notice(what, where, "", "", "info")
        self._show(notice)
        QTimer.singleShot(GOOD_FOR_MS, notice, notice.closed.emit)

    def clear(self) -> None:
        """Close all."""
        for notice in self.shown:
            self._close(notice)

    def _show(self, notice: Notice) -> None:
        for other in self.shown:
            if other.text == notice.text:
                self._close(other)
        for other in self._shown[: max(0, len(self._shown) - self.LIMIT + 1)]:
            self._close(other)
        notice.resized.connect(self._fit)
        notice.closed.connect(lambda: self._close(notice))
        self._shown.append(notice)
        self._column.insertWidget(0, notice)
        self.show()
        self.raise_()
        self._fit()
        self.verticalScrollBar().setValue(0)

    def _close(self, notice: Notice) -> None:
        if notice in self._shown:
            self._shown.remove(notice)
            self._column.removeWidget(notice)
            notice.hide()
            notice.deleteLater()
        self.setVisible(bool(self._shown))
        self._fit()


class CrashDialog(QDialog):
    """An unexpected exception: a bug. Shows the trace and copies it."""

    def __init__(self, parent: QWidget | None, error: BaseException) -> None:
        super().__init__(parent)
        self.setWindowTitle("TinyML Studio: an internal error")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(720, 400)
        self.trace = "".join(traceback.format_exception(error))
        text = QPlainTextEdit(self.trace)
        text.setObjectName("details")
        text.setReadOnly(True)
        text.setFont(theme.fixed_width())
        text.setAccessibleName("Trace of the error")
        copy, close = QPushButton("Copy"), QPushButton("Close")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.trace))
        close.clicked.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(_line("This is a bug in the studio. Your project is unchanged.", "title"))
        column.addWidget(_line("Copy the text below into a report.", "muted"))
        column.addWidget(text, 1)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(copy)
        row.addWidget(close)
        column.addLayout(row)


def install_crash_dialog(window: QWidget) -> None:
    """Show any unexpected exception once, with its trace."""

    def hook(kind: type[BaseException], error: BaseException, trace: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            window.close()
            return
        CrashDialog(window, error).show()

    sys.excepthook = hook


def _line(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setProperty("role", role)
    return label


def _flat(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("flat", "true")
    button.setAccessibleName(f"{text} notice")
    return button
