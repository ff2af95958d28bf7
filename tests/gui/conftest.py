"""A window on the digits example, offscreen, with settings of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.garbage import Garbage
from studio.gui.main_window import MainWindow
from studio.session import Session, State

JOB_MS = 60_000


@pytest.fixture(scope="session", autouse=True)
def dialogs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Qt's own file dialogs, which tests can answer, and a place for what they remember."""
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    for kind in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(kind, QSettings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))


@pytest.fixture(scope="session", autouse=True)
def collected(qapp: QApplication) -> None:
    """Cycles are collected as in the program: in this thread."""
    Garbage(qapp)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """An empty window."""
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    made = MainWindow(Session(), settings, tmp_path / "unsaved")
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


@pytest.fixture
def settled(qtbot: QtBot, window: MainWindow) -> Callable[[], None]:
    """Waits until no job runs and the budgets are those of the newest state."""

    def wait() -> None:
        qtbot.waitUntil(lambda: window.idle, timeout=JOB_MS)

    return wait


@pytest.fixture(scope="session")
def digits_state() -> State:
    """The digits example, opened once for all tests: a state is a value."""
    session = Session()
    session.finish(session.open("example:digits"))
    return session.state


@pytest.fixture
def digits(window: MainWindow, settled: Callable[[], None], digits_state: State) -> MainWindow:
    """A window with the digits example open."""
    window.session.take(lambda _: digits_state)
    settled()
    return window


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Qt's offscreen plugin says what a window system would do; that is no fault of ours."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))
