"""Files that need an answer before they open: agreement to run code, shapes of inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from torch_nets import NETS, example, made

from studio.errors import AgreementNeeded
from studio.gui.main_window import MainWindow
from studio.gui.questions import Question, ShapesQuestion
from studio.session import Session

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.filterwarnings("ignore")  # torch deprecates parts of itself


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript file."""
    path = tmp_path_factory.mktemp("script") / "wrist.pt"
    torch.jit.save(torch.jit.trace(made("conv_1d"), example("conv_1d")), path)
    return path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of torch.export."""
    path = tmp_path_factory.mktemp("program") / "wrist.pt2"
    torch.export.save(torch.export.export(made("conv_1d"), (example("conv_1d"),)), path)
    return path


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, LEFT, none)
    window.canvas.dropEvent(event)


def asked(window: MainWindow) -> Question:
    [question] = [q for q in window.findChildren(Question) if q.isVisible()]
    return question


def click(qtbot: QtBot, question: Question, button: str) -> None:
    chosen = getattr(question, button)
    assert chosen.isEnabled() and question.rect().contains(chosen.geometry())
    qtbot.mouseClick(chosen, LEFT, pos=QPoint(12, 12))


def test_a_dropped_program_opens_only_after_a_click_on_open_anyway(
    window: MainWindow, qtbot: QtBot, settled: Settled, program: Path
) -> None:
    drop(window, program)
    settled()
    question = asked(window)
    assert question.windowTitle() == "This file runs code when it is loaded"
    assert window.session.state.model is None and not window.notices.shown
    click(qtbot, question, "go_on")
    settled()
    assert window.session.state.model is not None
    assert window.session.state.model.inputs[0].shape == (1, *NETS["conv_1d"][1])
    assert not window.notices.shown


@pytest.mark.parametrize("how", ["click", "enter", "escape"])
def test_cancel_is_chosen_at_first_and_leaves_everything_as_it_was(
    digits: MainWindow, qtbot: QtBot, settled: Settled, program: Path, how: str
) -> None:
    before = digits.session.state.project
    digits.open(str(program))
    settled()
    question = asked(digits)
    if how == "click":
        click(qtbot, question, "cancel")
    else:
        QTest.keyClick(question, Qt.Key.Key_Return if how == "enter" else Qt.Key.Key_Escape)
    settled()
    assert not [q for q in digits.findChildren(Question) if q.isVisible()]
    assert digits.session.state.project is before and not digits.notices.shown


def test_torchscript_asks_for_the_shape_of_its_input(
    window: MainWindow, qtbot: QtBot, settled: Settled, script: Path
) -> None:
    drop(window, script)
    settled()
    click(qtbot, asked(window), "go_on")
    settled()
    question = asked(window)
    assert isinstance(question, ShapesQuestion) and not question.go_on.isEnabled()
    qtbot.keyClicks(question.line, "3xa")
    assert "'a'" in question.told.text() and not question.go_on.isEnabled()
    qtbot.keyClick(question.line, Qt.Key.Key_Backspace)
    qtbot.keyClicks(question.line, "64")
    assert not question.told.text()
    click(qtbot, question, "go_on")
    settled()
    assert window.session.state.model is not None
    assert window.session.state.model.inputs[0].shape == (1, 3, 64)


def test_weights_alone_give_a_notice_that_says_what_to_save_instead(
    window: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(made("conv_1d").state_dict(), path)
    drop(window, path)
    settled()
    [notice] = window.notices.shown
    assert "weights without a network" in notice.text and "torch.export.save" in notice.text
    assert not window.findChildren(Question)


def test_a_project_asks_again_each_time_since_agreement_is_not_kept(
    tmp_path: Path, program: Path
) -> None:
    session = Session()
    session.finish(session.open(str(program), agree=True))
    saved = session.save(tmp_path / "wrist.tinyml")
    with pytest.raises(AgreementNeeded):
        session.finish(session.open(str(saved)))
    session.finish(session.open(str(saved), agree=True))
    assert session.state.path == saved.absolute()
