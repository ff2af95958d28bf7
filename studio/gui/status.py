"""The status bar: figures at the left, the running job with Cancel at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QStatusBar, QWidget

from studio.gui import figures, theme
from studio.gui.layout import plain_label
from studio.job import Progress

BAR_PX = 96
TEXT_PX = 320


class StatusBar(QStatusBar):
    """Figures of the selected variant, and progress of the job in the foreground."""

    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._figures: list[QLabel] = []
        row = QWidget()
        self._row = QHBoxLayout(row)
        self._row.setContentsMargins(16, 0, 0, 0)
        self._row.setSpacing(20)
        self._row.addStretch(1)
        self.addWidget(row, 1)
        self.text = plain_label()
        self.text.setAccessibleName("Running job")
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.text.setFixedWidth(TEXT_PX)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_PX)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("link", "true")
        self.cancel.setAccessibleName("Cancel the running job")
        self.cancel.setToolTip("Stop what is running (Ctrl+.)")
        self.cancel.clicked.connect(self.cancel_requested)
        self._right = QWidget()
        box = QHBoxLayout(self._right)
        box.setContentsMargins(0, 0, 12, 0)
        box.setSpacing(8)
        for widget in (self.text, self.bar, self.cancel):
            box.addWidget(widget)
        self.addPermanentWidget(self._right)
        self._right.hide()

    def show_figures(self, shown: Sequence[tuple[str, str]]) -> None:
        """Show texts with their tooltips."""
        while len(self._figures) < len(shown):
            label = plain_label()
            label.setFont(theme.scaled(0.95))
            label.setProperty("role", "muted")
            self._row.insertWidget(len(self._figures), label)
            self._figures.append(label)
        for at, label in enumerate(self._figures):
            label.setVisible(at < len(shown))
            if at < len(shown):
                label.setText(shown[at][0])
                label.setToolTip(shown[at][1])

    def show_progress(self, title: str, progress: Progress | None) -> None:
        """Show how far a job is."""
        share = progress.done if progress else None
        text = progress.text if progress else title
        if share is not None:
            text = f"{text}  {figures.percent(share, 0)}"
        shown = self.text.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, TEXT_PX)
        self.text.setText(shown)
        self.text.setToolTip(text)
        self.bar.setRange(0, 0 if share is None else 1000)
        self.bar.setValue(0 if share is None else round(1000 * share))
        self._right.show()

    def end_progress(self) -> None:
        """Nothing runs any more."""
        self._right.hide()
