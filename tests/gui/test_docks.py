"""The panels are docks: shown, hidden, put back; notices never take all the room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication, QMenu, QTabBar
from pytestqt.qtbot import QtBot
from window_events import drop_file

from studio.errors import ModelError
from studio.gui.docks import Dock
from studio.gui.main_window import MainWindow
from studio.targets.resources import resource


def dock(window: MainWindow, title: str) -> Dock:
    return next(one for one in window.parts.docks if one.place.title == title)


def test_the_view_menu_hides_and_shows_every_panel(digits: MainWindow, qtbot: QtBot) -> None:
    menu = next(menu for menu in digits.findChildren(QMenu) if menu.title() == "Panels")
    titles = [action.text() for action in menu.actions()]
    assert len(titles) == 13
    for action in menu.actions():
        panel = dock(digits, action.text())
        action.trigger()
        assert panel.isHidden()
        action.trigger()
        assert not panel.isHidden()


def test_a_panel_that_is_closed_comes_back_with_what_it_is_for(digits: MainWindow) -> None:
    code = dock(digits, "Code")
    code.close()
    digits.parts.docks.bring(digits.parts.code)
    assert code.isVisible()
    assert digits.parts.docks.shows(digits.parts.code)
    assert not digits.parts.docks.shows(digits.parts.memory)


def test_a_tab_bears_the_name_and_a_dock_alone_has_a_heading(
    digits: MainWindow, qtbot: QtBot
) -> None:
    live = dock(digits, "Live")
    qtbot.waitUntil(lambda: live.title.is_tab)
    assert not dock(digits, "Budget").title.is_tab
    live.setFloating(True)
    qtbot.waitUntil(lambda: not live.title.is_tab)
    digits.actions_.by_id["reset_layout"].trigger()
    qtbot.waitUntil(lambda: live.title.is_tab and not live.isFloating())


def test_a_tab_that_is_clicked_says_what_is_copied(digits: MainWindow, qtbot: QtBot) -> None:
    [bar] = [bar for bar in digits.findChildren(QTabBar) if bar.parent() is digits]
    titles = [bar.tabText(index) for index in range(bar.count())]
    bar.setCurrentIndex(titles.index("Layer table"))
    digits.parts.docks._turned(dock(digits, "Layer table"))
    assert digits.parts.table is digits.parts.layers
    qtbot.waitUntil(lambda: digits.parts.docks.shows(digits.parts.layers))


def test_notices_leave_room_for_the_pipeline_in_the_smallest_window(
    digits: MainWindow, qtbot: QtBot
) -> None:
    digits.resize(1024, 640)
    for number in range(3):
        digits.notices.error(ModelError(f"is broken {number} " * 12, "a.onnx", "export it again"))
    QApplication.processEvents()
    notices = digits.notices
    assert 0 < notices.height() <= digits.parts.pipeline.height() / 2
    assert digits.canvas.height() > 60
    newest = notices.shown[-1]
    assert newest.y() < notices.height()  # the newest stands first
    page = notices.widget()
    width = newest.width()
    qtbot.waitUntil(
        lambda: page.height() >= sum(one.heightForWidth(width) for one in notices.shown)
    )
    notices.clear()
    assert not notices.isVisible()


def test_a_file_dropped_on_a_floating_panel_opens(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, settled: Callable[[], None]
) -> None:
    model = tmp_path / "mine.onnx"
    shutil.copy(resource("resources/examples/digits/digits.onnx"), model)
    panel = dock(window, "Memory map")
    panel.setFloating(True)
    drop_file(panel, model)
    settled()
    assert window.session.state.project.name == "mine"
