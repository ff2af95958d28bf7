"""The generated C, file by file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import (
    QListWidget,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
)

from studio.gui import theme
from studio.gui.panels.empty import empty_page

SHOWN_CHARACTERS = 200_000
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

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Colour one line; state 1 means that a comment goes on."""
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

    def __init__(self) -> None:
        super().__init__()
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
        parts = QSplitter()
        parts.addWidget(self.files)
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
        self._highlighter: Highlighter | None = None
        self.files.currentTextChanged.connect(self._show_file)

    def show_files(self, contents: Mapping[str, bytes], model: str) -> None:
        """Show these files, the model's own first."""
        if contents is self._contents:
            return
        chosen = self.files.currentItem().text() if self.files.currentItem() else ""
        self._contents = contents
        order = sorted(contents, key=lambda path: (not path.startswith(f"{model}."), path))
        self.files.clear()
        self.files.addItems(order)
        self.files.setCurrentRow(order.index(chosen) if chosen in order else 0)
        self.setCurrentIndex(1 if contents else 0)

    def recolour(self) -> None:
        """Take up the colours of the theme."""
        self._highlighter = Highlighter(self.text.document())

    def _show_file(self, path: str) -> None:
        data = self._contents.get(path, b"")
        text = data[:SHOWN_CHARACTERS].decode("utf-8", "replace")
        rest = len(data) - SHOWN_CHARACTERS
        if self._highlighter is None:
            self.recolour()
        self.text.setPlainText(text if rest <= 0 else f"{text}\n... {rest} bytes more")


def _ink(colour: str) -> QTextCharFormat:
    result = QTextCharFormat()
    result.setForeground(QColor(colour))
    return result


def _open_comment(text: str, start: int) -> int:
    found = text.find("/*", start)
    return found if found >= 0 and text.find("*/", found) < 0 else -1
