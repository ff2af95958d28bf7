"""The generated C, file by file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import (
    QComboBox,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.panels.empty import empty_page

SHOWN_CHARACTERS = 200_000
PATH = Qt.ItemDataRole.UserRole
WORDS = (
    "alignas|break|case|char|const|else|enum|extern|float|for|if|inline|int|int16_t|int32_t|"
    "int64_t|int8_t|return|size_t|sizeof|static|struct|typedef|uint16_t|uint32_t|uint8_t|void|while"
)


class Highlighter(QSyntaxHighlighter):
    """Colours words, numbers, strings and comments of C."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        palette = theme.current()
        self._rules = [
            (re.compile(pattern), _ink(colour))
            for pattern, colour in (
                (rf"\b(?:{WORDS})\b", palette.accent),
                (r"\b(?:0x[0-9A-Fa-f]+|\d[\d.]*(?:e[-+]?\d+)?)[uUlLfF]*\b", palette.series[2]),
                (r"^\s*#\s*\w+", palette.series[3]),
                (r'"(?:[^"\\]|\\.)*"', palette.good),
                (r"//.*$|/\*.*?\*/", palette.muted),
            )
        ]
        self._comment = _ink(palette.muted)
        self._changed = {"+": _ink(palette.good), "-": _ink(palette.bad), "@": _ink(palette.muted)}
        self.compares = False

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Colour one line; state 1 means that a comment goes on."""
        if self.compares and text[:1] in self._changed:
            self.setFormat(0, len(text), self._changed[text[:1]])
            return
        for pattern, ink in self._rules:
            for found in pattern.finditer(text):
                self.setFormat(found.start(), found.end() - found.start(), ink)
        start = 0 if self.previousBlockState() == 1 else _open_comment(text, 0)
        while start >= 0:
            end = text.find("*/", start)
            self.setCurrentBlockState(1 if end < 0 else 0)
            length = len(text) - start if end < 0 else end + 2 - start
            self.setFormat(start, length, self._comment)
            start = -1 if end < 0 else _open_comment(text, end + 2)


class CodePanel(QStackedWidget):
    """A list of files and the text of the chosen one."""

    generate_requested = Signal()
    compare_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.other = QComboBox()
        self.other.setAccessibleName("Variant to compare the code with")
        self.other.setToolTip("Show what differs from the code of another variant")
        self.other.activated.connect(self._compare)
        self.files = QListWidget()
        self.files.setAccessibleName("Generated files")
        self.files.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.files.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Text of the file")
        self.text.setReadOnly(True)
        self.text.setAcceptDrops(False)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(theme.fixed_width())
        self.text.setViewportMargins(12, 8, 0, 0)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.other)
        column.addWidget(self.files, 1)
        parts = QSplitter()
        parts.addWidget(side)
        parts.addWidget(self.text)
        parts.setSizes([224, 700])
        parts.setHandleWidth(1)
        self.addWidget(
            empty_page(
                "Generate plain C for the selected variant and board, and read it here.",
                "Generate C",
                self.generate_requested.emit,
            )
        )
        self.addWidget(parts)
        self._contents: Mapping[str, bytes] = {}
        self._changes: Mapping[str, str] | None = None
        self._model = ""
        self._offered: dict[str, str] = {}
        self._highlighter: Highlighter | None = None
        self.files.currentRowChanged.connect(lambda _: self._show_file())

    def show_variants(self, variants: Mapping[str, str], selected: str) -> None:
        """Offer these nodes, id to title, to compare the selected one with."""
        offered = {node: title for node, title in variants.items() if node != selected}
        if offered != self._offered:
            self._offered = offered
            self.other.clear()
            self.other.addItem("No comparison", "")
            for node, title in offered.items():
                self.other.addItem(f"Against {title}", node)
        self.other.setEnabled(bool(offered))

    def show_files(
        self, contents: Mapping[str, bytes], model: str, changes: Mapping[str, str] | None
    ) -> None:
        """Show these files, the model's own first; with `changes` what differs from others."""
        if contents == self._contents and changes is self._changes:
            return
        chosen = self.files.currentItem().data(PATH) if self.files.currentItem() else ""
        self._contents, self._model, self._changes = contents, model, changes
        if changes is None:
            self.other.setCurrentIndex(0)
        equal = set() if changes is None else contents.keys() - changes.keys()
        order = sorted(contents, key=lambda p: (p in equal, not p.startswith(f"{model}."), p))
        self.files.blockSignals(True)
        self.files.clear()
        for path in order:
            item = QListWidgetItem(f"{path} (equal)" if path in equal else path)
            item.setData(PATH, path)
            self.files.addItem(item)
        self.files.blockSignals(False)
        self.files.setCurrentRow(order.index(chosen) if chosen in order else 0)
        self._show_file()
        self.setCurrentIndex(1 if contents else 0)

    def _compare(self) -> None:
        node = self.other.currentData()
        if node:
            self.compare_requested.emit(node)
        else:
            self.show_files(self._contents, self._model, None)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        self._highlighter = Highlighter(self.text.document())
        self._highlighter.compares = self._changes is not None

    def _show_file(self) -> None:
        item = self.files.currentItem()
        path = item.data(PATH) if item else ""
        text = self._contents.get(path, b"").decode("utf-8", "replace")
        if self._changes is not None:
            text = self._changes.get(path, "") or "Both variants have the same file."
        rest = len(text) - SHOWN_CHARACTERS
        if self._highlighter is None:
            self.recolour()
        assert self._highlighter is not None
        self._highlighter.compares = self._changes is not None
        self.text.setPlainText(
            text if rest <= 0 else f"{text[:SHOWN_CHARACTERS]}\n... {rest} characters more"
        )


def _ink(colour: str) -> QTextCharFormat:
    result = QTextCharFormat()
    result.setForeground(QColor(colour))
    return result


def _open_comment(text: str, start: int) -> int:
    found = text.find("/*", start)
    return found if found >= 0 and text.find("*/", found) < 0 else -1
