"""Accuracy: of every node that was run, of every class, and the noise of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui import figures
from studio.gui.layout import flat_button, scrolled
from studio.gui.panels.confusion import ConfusionMatrix
from studio.gui.panels.empty import empty_page
from studio.gui.panels.layer_noise import NoiseBars
from studio.gui.tables import Table

if TYPE_CHECKING:
    from studio.model.evaluate import Evaluation
    from studio.session.state import Noise

PAGES = ("Confusion", "Classes", "Layers")
CAPTIONS = ("true down, answer across", "share that is right", "noise against the source")


@dataclass(frozen=True, slots=True)
class Measured:
    """A node that was evaluated."""

    node: str
    title: str
    evaluation: Evaluation


class AccuracyPanel(QStackedWidget):
    """A table of nodes beside confusion, classes or layers of the selected one.

    Signals:
        chosen: a node of the table.
        layer_chosen: a layer whose noise was clicked.
        noise_wanted: the page with the layers came into view.
        run_requested: there is nothing to show before.
    """

    chosen = Signal(str)
    layer_chosen = Signal(str)
    noise_wanted = Signal()
    run_requested = Signal()

    COLUMNS = ("Node", "Accuracy", "Change")
    CLASS_COLUMNS = ("Class", "Samples", "Source", "Selected", "Change")

    def __init__(self) -> None:
        super().__init__()
        self.table = Table("Accuracy of the nodes", self.COLUMNS, 1)
        self.matrix = ConfusionMatrix()
        self.classes = Table("Accuracy of the classes", self.CLASS_COLUMNS, 1)
        self.noise = NoiseBars()
        self.caption = QLabel()
        self.caption.setProperty("role", "muted")
        self.pages = QStackedWidget()
        for page in (self.matrix, self.classes, scrolled(self.noise, "Noise of the layers")):
            self.pages.addWidget(page)
        self._measured: Sequence[Measured] = ()
        empty = empty_page(
            "Run the pipeline on labelled data to compare float and integer accuracy.",
            "Run the pipeline",
            self.run_requested.emit,
        )
        self.addWidget(empty)
        self.addWidget(self._page())
        self.table.itemSelectionChanged.connect(self._picked)
        self.noise.layer_chosen.connect(self.layer_chosen)

    def _page(self) -> QWidget:
        side = QVBoxLayout()
        side.setContentsMargins(0, 8, 16, 8)
        side.setSpacing(8)
        side.addLayout(self._head())
        side.addWidget(self.pages, 1)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self.table, 4)
        row.addLayout(side, 5)
        return page

    def _head(self) -> QHBoxLayout:
        head, self._choice = QHBoxLayout(), QButtonGroup(self)
        head.setSpacing(4)
        for index, name in enumerate(PAGES):
            button = flat_button(name, f"{name} of the selected node")
            button.setCheckable(True)
            button.setChecked(index == 0)
            self._choice.addButton(button, index)
            head.addWidget(button)
        self._choice.idClicked.connect(self.show_page)
        head.addStretch(1)
        head.addWidget(self.caption)
        self.caption.setText(CAPTIONS[0])
        return head

    def show_page(self, index: int) -> None:
        """Show one of PAGES."""
        self._choice.button(index).setChecked(True)
        self.pages.setCurrentIndex(index)
        self.caption.setText(CAPTIONS[index])
        if index == 2:
            self.noise_wanted.emit()

    @property
    def shows_noise(self) -> bool:
        """Whether the noise of the layers is in view."""
        return self.noise.isVisible()

    def show_results(self, measured: Sequence[Measured], selected: str) -> None:
        """Compare these nodes; the first is what the others are compared with."""
        self.setCurrentIndex(1 if measured else 0)
        self._measured = measured
        splits = ", ".join(dict.fromkeys(one.evaluation.split for one in measured))
        samples = max((one.evaluation.n for one in measured), default=0)
        source = f"Measured: {figures.grouped(samples)} samples of the {splits} set, onnxruntime"
        chosen = next((one for one in measured if one.node == selected), None)
        self.table.blockSignals(True)
        self.table.show_rows([_texts(one, measured[0]) for one in measured], source)
        if chosen is not None:
            self.table.selectRow(list(measured).index(chosen))
        self.table.blockSignals(False)
        chosen = chosen or (measured[-1] if measured else None)
        self.matrix.show_evaluation(chosen.evaluation if chosen else None)
        rows = _classes(measured[0].evaluation, chosen.evaluation) if chosen else []
        self.classes.show_rows(rows, source)

    def show_noise(self, noise: Noise | None, layers: tuple[str, ...]) -> None:
        """Show how far the selected node's layers are from the source's."""
        self.noise.show_noise(noise, layers)

    def show_layer(self, layer: str) -> None:
        """Mark a layer."""
        self.noise.show_layer(layer)

    def _picked(self) -> None:
        if self.table.selectedItems():
            self.chosen.emit(self._measured[self.table.currentRow()].node)


def _texts(one: Measured, first: Measured) -> tuple[str, ...]:
    evaluation = one.evaluation
    return (
        one.title,
        figures.percent(evaluation.accuracy),
        _points(first.evaluation.accuracy, evaluation.accuracy) if one is not first else "",
    )


def _classes(source: Evaluation, selected: Evaluation) -> list[tuple[str, ...]]:
    """Recall of each class, of the source and of the selected node."""
    rows: list[tuple[str, ...]] = []
    for index, name in enumerate(selected.labels):
        n = int(selected.confusion[index].sum())
        before, after = (
            float(one.confusion[index, index]) / n if n else 0.0 for one in (source, selected)
        )
        change = _points(before, after) if source is not selected and n else ""
        shares = (figures.percent(before), figures.percent(after)) if n else ("", "")
        rows.append((name, figures.grouped(n), *shares, change))
    return rows


def _points(before: float, after: float) -> str:
    return f"{100 * (after - before):+.1f}{figures.THIN}pt".replace("-", figures.MINUS)
