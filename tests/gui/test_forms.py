"""A form follows its dataclass."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.compression.step import Step, param, steps
from studio.gui.forms import Form


@dataclass(frozen=True, slots=True)
class Params:
    """Every kind of field."""

    ratio: float = param(0.25, "Share of channels", lo=0.0, hi=0.9, help="More is smaller.")
    multiple: int = param(4, "Multiple of", lo=1, hi=32, unit="channels")
    method: str = param("min-max", "Method", choices=("min-max", "percentile"))
    bias: bool = param(True, "Correct the bias")
    note: str = param("", "Note")


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    made = Form(Params())
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_shows_the_values(form: Form) -> None:
    assert form.values() == {
        "ratio": 0.25, "multiple": 4, "method": "min-max", "bias": True, "note": "",
    }  # fmt: skip


def test_slider_and_spin_box_move_together_and_report_once(form: Form, qtbot: QtBot) -> None:
    ratio = form.editor_of("ratio")
    with qtbot.waitSignal(form.edited) as edited:
        qtbot.keyClick(ratio.slider, Qt.Key.Key_End)
    assert edited.args[0]["ratio"] == 0.9
    assert ratio.spin.value() == 0.9
    ratio.spin.setValue(0.45)
    assert ratio.slider.value() == 50


def test_showing_other_values_reports_nothing(form: Form, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(form.edited):
        form.show_params(replace(Params(), ratio=0.5, multiple=8, method="percentile", bias=False))
    assert form.values()["ratio"] == 0.5
    assert form.values()["method"] == "percentile"


def test_ranges_and_help_come_from_the_fields(form: Form) -> None:
    assert (form.editor_of("multiple").minimum(), form.editor_of("multiple").maximum()) == (1, 32)
    assert "More is smaller." in form.editor_of("ratio").toolTip()


@pytest.mark.parametrize("step", steps().values(), ids=steps())
def test_every_step_has_a_form_that_shows_its_defaults(step: Step, qtbot: QtBot) -> None:
    params = step.make()
    made = Form(params)
    qtbot.addWidget(made)
    assert made.values() == asdict(params)
