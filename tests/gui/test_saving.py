"""Saving, on a disk that takes its time or refuses: the window goes on, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from slow_disk import slow_disk, title
from window_hand import Hand

from studio.gui.main_window import MainWindow
from studio.session import State, model_work

Settled = Callable[[], None]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A disk that takes a third of a second; the titles that were written, in order."""
    return slow_disk(monkeypatch, model_work)


@pytest.fixture
def saved(digits: MainWindow, settled: Settled, tmp_path: Path) -> Path:
    """The file of the project, saved once by keys."""
    path = tmp_path / "mine.tinyml"
    hand = Hand(digits, settled)
    hand.answer(path)
    hand.keys("Ctrl+S")
    return path


def impatient(window: MainWindow) -> Hand:
    """Somebody who waits for nothing."""
    return Hand(window, lambda: None)


def test_saving_does_not_hold_the_window_up(
    digits: MainWindow, settled: Settled, saved: Path, slow: list[str]
) -> None:
    digits.session.rename("int8", "first")
    digits._kept.wait()
    impatient(digits).keys("Ctrl+S")
    assert not slow and digits.session.state.unsaved
    settled()
    assert slow == ["first"] and not digits.session.state.unsaved


def test_what_is_edited_while_it_is_saved_is_not_saved_yet(
    digits: MainWindow, settled: Settled, saved: Path, slow: list[str]
) -> None:
    digits.session.rename("int8", "first")
    impatient(digits).keys("Ctrl+S")
    digits.session.rename("int8", "second")
    settled()
    assert title(saved) == "first" and digits.session.state.unsaved
    assert digits.windowTitle().startswith("\u2022")
    digits._kept.wait()
    [copy] = (saved.parent / "unsaved").glob("digits-*.tinyml")
    assert title(copy) == "second"


def test_saved_twice_in_a_row_the_last_one_counts(
    digits: MainWindow, settled: Settled, saved: Path, slow: list[str]
) -> None:
    hand = impatient(digits)
    for number in range(3):
        digits.session.rename("int8", f"edit {number}")
        hand.keys("Ctrl+S")
    settled()
    assert slow == ["edit 0", "edit 1", "edit 2"]
    assert title(saved) == "edit 2" and not digits.session.state.unsaved


def test_closed_while_it_is_saved_everything_is_written(
    digits: MainWindow, saved: Path, slow: list[str]
) -> None:
    hand = impatient(digits)
    for number in range(2):
        digits.session.rename("int8", f"edit {number}")
        hand.keys("Ctrl+S")
    hand.keys("Ctrl+Q")
    assert title(saved) == "edit 1"
    assert not list((saved.parent / "unsaved").glob("*.tinyml"))


def test_another_model_opened_meanwhile_keeps_its_own_file(
    digits: MainWindow, settled: Settled, saved: Path, slow: list[str], digits_state: State
) -> None:
    digits.session.rename("int8", "first")
    impatient(digits).keys("Ctrl+S")
    digits.open("example:motion")
    settled()
    assert title(saved) == "first"
    assert digits.session.state.path is None
    assert digits.session.state.project.model == "example:motion"


def refuse(asked: list[str]) -> None:
    """Say no where it is asked whether to replace a file, and then leave the file dialog."""
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox):
        asked.append(box.text())
        box.button(QMessageBox.StandardButton.No).click()
    elif asked and isinstance(box, QFileDialog):
        box.reject()


def test_a_name_without_suffix_replaces_nothing_unasked(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    there, asked = tmp_path / "mine.tinyml", []
    there.write_text("somebody else's")
    hand = Hand(digits, settled)

    timer = QTimer(digits)
    timer.timeout.connect(lambda: refuse(asked))
    timer.start(20)
    hand.answer(there, typed=str(tmp_path / "mine"))
    hand.keys("Ctrl+S")
    timer.stop()
    assert len(asked) == 1 and "mine.tinyml" in asked[0]
    assert there.read_text() == "somebody else's"
    assert digits.session.state.path is None


def test_a_name_with_a_dot_replaces_nothing_unasked(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    there, asked = tmp_path / "net.v2.tinyml", []
    there.write_text("somebody else's")
    hand = Hand(digits, settled)

    def save() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QFileDialog) and box.selectedFiles() == [str(there)] and not asked:
            box.accept()

    timers = QTimer(digits), QTimer(digits)
    for timer, act in zip(timers, (lambda: refuse(asked), save), strict=True):
        timer.timeout.connect(act)
        timer.start(20)
    hand.answer(tmp_path / "net.v2")
    hand.keys("Ctrl+S")
    for timer in timers:
        timer.stop()
    assert len(asked) == 1 and "net.v2.tinyml" in asked[0]
    assert there.read_text() == "somebody else's"
    assert digits.session.state.path is None


def test_a_name_with_a_dot_gets_the_suffix(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    hand = Hand(digits, settled)
    hand.answer(tmp_path / "net.v2")
    hand.keys("Ctrl+S")
    assert digits.session.state.path == tmp_path / "net.v2.tinyml"


def test_closed_while_a_save_fails_the_window_stays_and_says_so(
    digits: MainWindow, settled: Settled, saved: Path
) -> None:
    saved.unlink()
    saved.mkdir()
    digits.session.rename("int8", "kept")
    hand = impatient(digits)
    hand.keys("Ctrl+S")
    hand.keys("Ctrl+Q")
    assert digits.isVisible() and digits.session.state.unsaved
    assert "cannot be written" in digits.notices.shown[-1].text.lower()
    saved.rmdir()
    hand.keys("Ctrl+S")
    hand.keys("Ctrl+Q")
    assert digits.isHidden() and title(saved) == "kept"


def test_a_file_that_cannot_be_written_is_said_and_the_copy_stays(
    digits: MainWindow, settled: Settled, saved: Path
) -> None:
    saved.unlink()
    saved.mkdir()
    digits.session.rename("int8", "kept")
    hand = Hand(digits, settled)
    hand.keys("Ctrl+S")
    assert digits.session.state.unsaved
    assert "cannot be written" in digits.notices.shown[-1].text.lower()
    digits._kept.wait()
    assert list((saved.parent / "unsaved").glob("digits-*.tinyml"))
