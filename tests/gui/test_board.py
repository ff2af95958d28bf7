"""The panels say which board runs: after failures, when it is cancelled, when somebody ends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.boards import virtual
from studio.gui.main_window import MainWindow

Settled = Callable[[], None]
BOARD = "virtual/host"


@pytest.fixture
def flashed(digits: MainWindow, settled: Settled) -> Hand:
    """A person at a window of which the virtual host runs the digits example."""
    digits.session.choose_board(BOARD)
    hand = Hand(digits, settled)
    hand.keys("F7")
    assert digits.parts.deploy.title.text() == "Virtual host runs digits"
    return hand


def offered(hand: Hand) -> list[str]:
    """The buttons that the Live panel shows."""
    hand.look("Live")
    buttons = hand.window.parts.live.findChildren(QAbstractButton)
    return [button.text() for button in buttons if button.isVisible() and button.text()]


def flash_row(hand: Hand) -> str:
    """What the Deploy panel says of the station Flash."""
    rows = hand.window.parts.deploy.rows
    return next(row.figures.text() for row in rows if row.title.text() == "Flash")


def assert_nothing_runs(hand: Hand) -> None:
    assert hand.window.session.state.deployment.running is None
    assert hand.window.parts.deploy.title.text() == "Virtual host has stopped; it ran digits"
    assert "stopped" in flash_row(hand)
    assert offered(hand) == ["Flash and verify"]


def test_a_board_that_runs_can_be_watched(flashed: Hand) -> None:
    assert "runs at" in flash_row(flashed)
    assert offered(flashed) == ["Go live"]


def test_after_a_flash_that_failed_nothing_runs(
    flashed: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "_QEMU", "no-such-qemu")
    flashed.window.session.choose_board("virtual/mps2-an386")
    flashed.keys("F7")
    assert "not installed" in flashed.window.notices.shown[-1].text
    assert_nothing_runs(flashed)


def test_a_build_that_failed_leaves_the_board_as_it_is(
    flashed: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.build import firmware
    from studio.errors import BuildError

    def refuse(*_: object) -> None:
        raise BuildError("does not compile")

    monkeypatch.setattr(firmware, "build", refuse)
    flashed.keys("F7")
    assert "compile" in flashed.window.notices.shown[-1].text
    assert flashed.window.parts.deploy.title.text() == "Virtual host runs digits"
    assert offered(flashed) == ["Go live"]


def test_a_flash_that_is_cancelled_half_way_leaves_nothing_that_runs(
    flashed: Hand, qtbot: QtBot
) -> None:
    window, settled = flashed.window, flashed.settled
    running = window.session.state.deployment.running
    flashed.settled = lambda: None
    flashed.keys("F7")
    qtbot.waitUntil(lambda: not running.alive, timeout=20_000)
    flashed.keys("Ctrl+.")
    settled()
    assert not window.notices.shown
    flashed.settled = settled
    assert_nothing_runs(flashed)


def test_a_board_that_somebody_ends_is_missed_within_seconds(flashed: Hand, qtbot: QtBot) -> None:
    window = flashed.window
    window.session.state.deployment.running.process.kill()
    qtbot.waitUntil(lambda: window.session.state.deployment.running is None, timeout=5000)
    assert_nothing_runs(flashed)


def test_a_board_that_ends_while_it_is_watched_is_said(flashed: Hand, qtbot: QtBot) -> None:
    window, settled = flashed.window, flashed.settled
    flashed.settled = lambda: None
    flashed.keys("F8")
    qtbot.waitUntil(lambda: window.live_panel.answered > 0, timeout=20_000)
    window.session.state.deployment.running.process.kill()
    qtbot.waitUntil(lambda: window.foreground is None, timeout=20_000)
    flashed.settled = settled
    assert window.notices.shown[-1].property("kind") == "error"
    assert_nothing_runs(flashed)


def test_the_way_to_a_board_stays_in_view_while_the_project_is_edited(
    flashed: Hand, qtbot: QtBot
) -> None:
    window, settled = flashed.window, flashed.settled
    deploy = window.parts.deploy
    flashed.settled = lambda: None
    flashed.keys("F7")
    qtbot.waitUntil(lambda: deploy.title.text() == "To Virtual host", timeout=20_000)
    window.session.choose_board("rpi_pico")
    window.session.rename("int8", "edited")
    assert deploy.title.text() == "To Virtual host"
    settled()
    assert deploy.title.text().startswith("Virtual host runs digits")


def test_a_board_that_runs_what_was_open_before_is_not_fed_with_other_data(flashed: Hand) -> None:
    flashed.window.open("example:motion")
    flashed.settled()
    flashed.keys("F8")
    notice = flashed.window.notices.shown[-1]
    assert "runs digits" in notice.text and "flash it again" in notice.text
    assert flashed.window.foreground is None
