"""The panels are docks: shown, hidden, put back; notices never take all the room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QScrollArea, QTabBar
from pytestqt.qtbot import QtBot
from window_events import drop_file

from studio.errors import ModelError
from studio.gui.docks import Dock
from studio.gui.main_window import MainWindow
from studio.session import Session
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


def scrolls(window: MainWindow, title: str) -> bool:
    area = dock(window, title).widget()
    assert isinstance(area, QScrollArea)
    return area.verticalScrollBar().maximum() > 0


@pytest.mark.parametrize("first", [(1024, 640), (1280, 800), (1920, 1080)])
def test_the_budget_is_seen_whole_in_the_smallest_window(
    digits: MainWindow, first: tuple[int, int]
) -> None:
    digits.resize(*first)
    digits.actions_.by_id["reset_layout"].trigger()
    for _ in range(3):
        QApplication.processEvents()
    digits.resize(1024, 640)
    for _ in range(3):
        QApplication.processEvents()
    assert (digits.width(), digits.height()) == (1024, 640)
    assert len(digits.budget.rows) == 5
    assert not scrolls(digits, "Budget")
    assert digits.canvas.height() > 200
    assert digits.canvas.width() > 500


def drawn(window: MainWindow, by_px: int) -> int:
    """Draw the edge between pipeline and Budget with the mouse; the width of Budget then."""
    budget = dock(window, "Budget")
    edge = QPoint(budget.mapTo(window, QPoint(0, 0)).x() - 1, budget.y() + 100)
    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=edge)
    QTest.mouseMove(window, edge + QPoint(by_px, 0))
    QTest.qWait(20)  # Qt moves the edge as soon as it has time
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=edge + QPoint(by_px, 0))
    QApplication.processEvents()
    return budget.width()


def test_edges_that_were_drawn_hold_when_the_window_is_resized(
    digits: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    digits.resize(1600, 900)
    for _ in range(3):
        QApplication.processEvents()
    before = dock(digits, "Budget").width()
    wide = drawn(digits, -80)
    assert wide == before + 80
    digits.resize(1500, 900)
    for _ in range(3):
        QApplication.processEvents()
    assert dock(digits, "Budget").width() == wide
    digits.close()
    again = MainWindow(Session(), digits.settings, tmp_path)
    qtbot.addWidget(again)
    again.show()
    again.resize(1450, 850)
    for _ in range(3):
        QApplication.processEvents()
    assert dock(again, "Budget").width() == pytest.approx(wide, abs=2)
    again.close()


def test_panels_that_were_closed_stay_closed_when_the_window_is_resized(
    digits: MainWindow, qtbot: QtBot
) -> None:
    for title in ("Step", "Layers", "Memory map"):
        dock(digits, title).close()
    dock(digits, "Budget").setFloating(True)
    for size in ((1100, 700), (1600, 1000)):
        digits.resize(*size)
        for _ in range(3):
            QApplication.processEvents()
    assert dock(digits, "Step").isHidden() and dock(digits, "Layers").isHidden()
    assert dock(digits, "Budget").isFloating()


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
