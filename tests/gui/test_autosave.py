"""What is kept beside the settings, on a disk that takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from slow_disk import SLOW_S, slow_disk, title
from window_hand import Hand

from studio.errors import ProjectError
from studio.gui import autosave
from studio.gui.main_window import MainWindow
from studio.project import Project, read_project

Settled = Callable[[], None]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A disk that takes a third of a second; the titles that were written, in order."""
    return slow_disk(monkeypatch, autosave)


def copy_of(tmp_path: Path) -> Path:
    [copy] = (tmp_path / "unsaved").glob("digits-*.tinyml")
    return copy


def test_an_edit_does_not_wait_for_the_disk(
    digits: MainWindow, tmp_path: Path, slow: list[str]
) -> None:
    digits.session.rename("int8", "first")
    assert not slow
    digits._kept.wait()
    assert slow == ["first"]


def test_an_edit_waits_for_the_one_before_it(
    digits: MainWindow, tmp_path: Path, slow: list[str]
) -> None:
    for number in range(3):
        digits.session.rename("int8", f"edit {number}")
        assert slow == [f"edit {done}" for done in range(number)]


def test_a_gesture_does_not_wait_and_its_last_value_is_kept(
    digits: MainWindow, tmp_path: Path, slow: list[str]
) -> None:
    for samples in range(1, 101):
        digits.session.tune("int8", {"samples": samples})
    digits._kept.wait()
    assert len(slow) < 50
    assert read_project(copy_of(tmp_path)).recipe.by_id["int8"].params == {"samples": 100}


def test_what_was_begun_is_written_before_the_window_is_gone(
    digits: MainWindow, tmp_path: Path, slow: list[str]
) -> None:
    digits.session.rename("int8", "last")
    digits.close()
    assert title(copy_of(tmp_path)) == "last"


def test_saving_waits_for_the_copy_and_removes_it(
    digits: MainWindow, tmp_path: Path, slow: list[str]
) -> None:
    digits.session.rename("int8", "saved")
    digits.session.save(tmp_path / "mine.tinyml")
    time.sleep(2 * SLOW_S)
    assert not list((tmp_path / "unsaved").glob("*.tinyml"))


def told(window: MainWindow) -> list[str]:
    """The notices on show, by their first line."""
    return [notice.text.splitlines()[0] for notice in window.notices.shown]


def muted(hand: Hand, times: int) -> None:
    """Edits by a key, each one a change that is kept."""
    hand.click_card("int8")
    for _ in range(times):
        hand.keys("M")
        hand.window._kept.wait()


def test_a_folder_that_refuses_is_said_once_and_when_it_works_again(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    hand, folder = Hand(digits, settled), tmp_path / "unsaved"
    folder.write_text("a file where the folder should be")
    muted(hand, 1)
    [error] = told(digits)
    assert "not kept" in error and digits.notices.shown[0].property("kind") == "error"
    digits.notices.clear()
    muted(hand, 3)
    assert told(digits) == []
    folder.unlink()
    muted(hand, 1)
    assert told(digits) == ["Changes are kept again for the case of a crash"]
    assert copy_of(tmp_path).is_file()
    assert len(digits.session.state.history.past) == 5


def test_a_disk_that_is_full_is_said_without_another_edit_and_no_more_when_it_is_not(
    digits: MainWindow,
    settled: Settled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    def full(project: Project, path: Path) -> None:
        raise ProjectError("cannot be written: No space left on device", str(path))

    hand = Hand(digits, settled)
    hand.click_card("int8")
    with monkeypatch.context() as patched:
        patched.setattr(autosave, "write_project", full)
        hand.keys("M")
        qtbot.waitUntil(lambda: bool(told(digits)), timeout=2000)
        assert "No space left on device" in told(digits)[0]
        hand.keys("M")
    hand.keys("M")
    qtbot.waitUntil(lambda: "again" in "".join(told(digits)), timeout=2000)
    assert not any("not kept" in text for text in told(digits))


def test_a_copy_that_cannot_be_removed_does_not_keep_from_saving(
    digits: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits.session.rename("int8", "edited")
    digits._kept.wait()

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    digits.session.save(tmp_path / "mine.tinyml")
    assert not digits.session.state.unsaved


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no files")
def test_a_disk_without_room_for_a_lock_costs_the_copy_and_no_more(
    digits: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux takes no new file in /proc, not even from root: a disk that is full or read-only."""
    monkeypatch.setattr(digits._kept, "_folder", Path("/proc/self"))
    digits.session.rename("int8", "edited")
    digits._kept.wait()
    assert digits.session.state.project.recipe.by_id["int8"].title == "edited"
    assert "not kept" in told(digits)[0]
