"""The settings of the selected step, and what they save."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.compression.step import Step
from studio.gui.forms import Form
from studio.gui.layout import plain_label


class SettingsPanel(QWidget):
    """Title, effect, form and a button; for the model itself its facts.

    The effect stands above the form, so that it is in view while a slider moves.
    """

    edited = Signal(object)
    run_requested = Signal()
    data_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("surface")
        self.title = plain_label()
        self.title.setProperty("role", "title")
        self.about = plain_label()
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.effect = plain_label()
        self.effect.setWordWrap(True)
        self.effect.setAccessibleName("Effect of the step")
        self.run = QPushButton("Run to here")
        self.run.setAccessibleName("Run the pipeline up to this step")
        self.run.setToolTip("Run every step up to this one and measure the accuracy")
        self.run.clicked.connect(self.run_requested)
        self.data = QPushButton("Open data\u2026")
        self.data.setAccessibleName("Open data")
        self.data.setToolTip("Samples to calibrate, train and measure on; labels where there are")
        self.data.clicked.connect(self.data_requested)
        self.form: Form | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 0, 16, 16)
        self._column.setSpacing(12)
        for widget in (self.title, self.about, self.data, self.effect, self.run):
            self._column.addWidget(widget)
        self._column.addStretch(1)

    def show_nothing(self, title: str, about: str) -> None:
        """Show text only: no model is open."""
        self._drop_form()
        self._show_text(title, about, "")
        self.run.hide()
        self.data.hide()

    def show_choices(self, title: str, about: str, choices: Any, has_data: bool) -> None:
        """Show the model's facts and what is chosen for all variants."""
        self._show_form(choices)
        self._show_text(title, about, "")
        self.run.hide()
        self.data.setVisible(not has_data)

    def show_step(self, step: Step, title: str, params: Any, effect: str) -> None:
        """Show a step, its settings and their effect."""
        self._show_form(params)
        about = " ".join((step.params.__doc__ or "").split("\n\n")[0].split())
        self._show_text(title, about, effect)
        self.run.show()
        self.data.hide()

    def _show_form(self, params: Any) -> None:
        """The form stays as it is while the user drags one of its sliders."""
        if self.form is not None and self.form.kind is type(params):
            self.form.show_params(params)
            return
        self._drop_form()
        self.form = Form(params)
        self.form.edited.connect(self.edited)
        self._column.insertWidget(4, self.form)

    def _show_text(self, title: str, about: str, effect: str) -> None:
        self.title.setText(title)
        self.about.setText(about)
        said, _, source = effect.partition("\n")
        self.effect.setText(said)
        self.effect.setToolTip(source)
        self.effect.setVisible(bool(effect))

    def _drop_form(self) -> None:
        if self.form is not None:
            self._column.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
            self.form = None
