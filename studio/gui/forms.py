"""A form for any dataclass whose fields were made with `param`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QSpinBox,
    QWidget,
)

from studio.gui import theme

SLIDER_STEPS = 100
MOST = 2**31 - 1
"""The largest number that a spin box of Qt holds."""
LABEL_WIDTH_PX = 88
_ABBREVIATED = ("ram", "gcc")


class Editor(Protocol):
    """What a form needs of the widget of one field."""

    def value(self) -> Any:
        """What the user chose."""

    def show_value(self, value: Any) -> None:
        """Show `value` without reporting it as an edit."""


class _FloatEditor(QWidget):
    """A slider and a spin box that show the same number."""

    def __init__(self, field: dataclasses.Field[Any], edited: Callable[[], None]) -> None:
        super().__init__()
        lo, hi = field.metadata["lo"], field.metadata["hi"]
        self.spin = QDoubleSpinBox()
        self.spin.setDecimals(_places(float(str(field.default)), hi - lo))
        self.spin.setRange(lo, hi)
        self.spin.setSingleStep((hi - lo) / SLIDER_STEPS)
        self.spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.spin.setFixedWidth(64)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setPageStep(SLIDER_STEPS // 10)
        self._lo, self._span, self._edited = lo, hi - lo, edited
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.spin)
        self.setFocusProxy(self.slider)
        self.slider.valueChanged.connect(self._slid)
        self.spin.valueChanged.connect(self._typed)

    def value(self) -> float:
        return float(self.spin.value())

    def show_value(self, value: Any) -> None:
        self.spin.blockSignals(True)
        self.spin.setValue(value)
        self.spin.blockSignals(False)
        self._follow()

    def _follow(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round((self.spin.value() - self._lo) / self._span * SLIDER_STEPS))
        self.slider.blockSignals(False)

    def _slid(self, position: int) -> None:
        self.spin.blockSignals(True)
        self.spin.setValue(self._lo + self._span * position / SLIDER_STEPS)
        self.spin.blockSignals(False)
        self._edited()

    def _typed(self) -> None:
        self._follow()
        self._edited()


class _IntEditor(QSpinBox):
    """A whole number."""

    def __init__(self, field: dataclasses.Field[Any], edited: Callable[[], None]) -> None:
        super().__init__()
        lo, hi = field.metadata["lo"], field.metadata["hi"]
        least, most = (-MOST if lo is None else lo), (MOST if hi is None else hi)
        self.setRange(int(max(least, -MOST)), int(min(most, MOST)))
        if unit := field.metadata["unit"]:
            self.setSuffix(f"\u202f{unit}")
        self.valueChanged.connect(edited)

    def show_value(self, value: Any) -> None:
        self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(False)


class _ChoiceEditor(QComboBox):
    """One of a few words."""

    def __init__(self, field: dataclasses.Field[Any], edited: Callable[[], None]) -> None:
        super().__init__()
        for choice in field.metadata["choices"]:
            self.addItem(_named(choice), choice)
        self.activated.connect(edited)

    def value(self) -> str:
        return str(self.currentData())

    def show_value(self, value: Any) -> None:
        self.setCurrentIndex(self.findData(value))


def _named(choice: str) -> str:
    """A choice as people write it."""
    if choice in _ABBREVIATED:
        return choice.upper()
    named = choice if any(map(str.isdigit, choice)) else choice.capitalize()
    return named.replace("_", " ")


class _FlagEditor(QCheckBox):
    """Yes or no."""

    def __init__(self, field: dataclasses.Field[Any], edited: Callable[[], None]) -> None:
        super().__init__()
        self.clicked.connect(edited)

    def value(self) -> bool:
        return self.isChecked()

    def show_value(self, value: Any) -> None:
        self.setChecked(value)


class _TextEditor(QLineEdit):
    """Free text, or a number without a range."""

    def __init__(self, field: dataclasses.Field[Any], edited: Callable[[], None]) -> None:
        super().__init__()
        self._kind: type[Any] = type(field.default)
        self._last = field.default
        self.editingFinished.connect(edited)

    def value(self) -> Any:
        try:
            self._last = self._kind(self.text())
        except ValueError:
            self.setText(str(self._last))
        return self._last

    def show_value(self, value: Any) -> None:
        self._last = value
        self.setText(str(value))


def editor(field: dataclasses.Field[Any], edited: Callable[[], None]) -> QWidget:
    """The widget that fits a field: slider, spin box, choice, check box or text."""
    kind: type[Any] = type(field.default)
    if field.metadata["choices"]:
        return _ChoiceEditor(field, edited)
    if kind is bool:
        return _FlagEditor(field, edited)
    if kind is int:
        return _IntEditor(field, edited)
    bounded = field.metadata["lo"] is not None and field.metadata["hi"] is not None
    return _FloatEditor(field, edited) if kind is float and bounded else _TextEditor(field, edited)


class Form(QWidget):
    """Edits an instance of a dataclass; `edited` carries the new instance as plain values."""

    edited = Signal(object)

    def __init__(self, params: Any) -> None:
        super().__init__()
        self.setObjectName("surface")
        self._kind = type(params)
        self._editors: dict[str, Editor] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH_PX)
        grid.setColumnStretch(1, 1)
        for row, field in enumerate(dataclasses.fields(params)):
            self._add_row(grid, row, field)
        self.show_params(params)

    def _add_row(self, grid: QGridLayout, row: int, field: dataclasses.Field[Any]) -> None:
        meta = field.metadata
        name = field.name.replace("_", " ").capitalize()
        widget = editor(field, self._report)
        tip = " ".join(text for text in (f"{meta['label']}.", meta["help"]) if text)
        widget.setToolTip(tip)
        widget.setFont(theme.tabular())
        for part in (widget, *widget.findChildren(QSlider), *widget.findChildren(QDoubleSpinBox)):
            part.setAccessibleName(name)
            part.setAccessibleDescription(tip)
        label = QLabel(name)
        label.setProperty("role", "muted")
        label.setToolTip(tip)
        label.setWordWrap(True)
        label.setBuddy(widget)
        grid.addWidget(label, row, 0)
        grid.addWidget(widget, row, 1)
        self._editors[field.name] = cast(Editor, widget)

    @property
    def kind(self) -> type[Any]:
        """The dataclass that the form is for."""
        return self._kind

    def editor_of(self, name: str) -> Any:
        """The widget of the field `name`."""
        return self._editors[name]

    def values(self) -> dict[str, Any]:
        """What the form shows, by field name."""
        return {name: widget.value() for name, widget in self._editors.items()}

    def show_params(self, params: Any) -> None:
        """Show other values of the same dataclass."""
        for name, widget in self._editors.items():
            if widget.value() != (value := getattr(params, name)):
                widget.show_value(value)

    def _report(self, *_: object) -> None:
        self.edited.emit(self.values())


def _places(default: float, span: float) -> int:
    """Decimals that a hundredth of the span, and the default, need."""
    steps = 0
    while span < 10**2 * 10.0**-steps * 0.99 or round(default, steps) != default:
        steps += 1
    return min(steps, 6)
