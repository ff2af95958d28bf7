"""What the window offers and how it holds still: welcome, cards, ports, tabs, notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QTabBar, QToolButton
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.errors import ModelError
from studio.gui.canvas.gestures import DropStep
from studio.gui.main_window import MainWindow
from studio.gui.panels.port_field import NONE, OWN
from studio.gui.step_groups import ICONS, by_group
from studio.gui.step_menu import StepMenu
from studio.gui.tour import Tour
from studio.project import ROOT, Project, write_project
from studio.targets.resources import resource

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton


def row(window: MainWindow, name: str) -> QAbstractButton:
    """A line of the welcome page."""
    buttons = window.parts.welcome.findChildren(QAbstractButton)
    return next(button for button in buttons if button.accessibleName() == name)


def test_the_welcome_page_starts_the_tour(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(row(window, "Tour"), LEFT)
    [tour] = window.findChildren(Tour)
    tour.skip.click()
    assert window.toured


def test_recent_files_are_listed_with_their_folder(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    window.parts.fill_recent([str(file), "example:digits"], [])
    listed = row(window, f"Open {file}")
    assert listed.accessibleDescription() == str(tmp_path)
    assert listed.toolTip() == str(file)


def test_a_file_over_the_window_marks_the_place_to_drop_it(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/somewhere/net.onnx")])
    enter = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier
    )
    hint = window.parts.welcome._drop
    QApplication.sendEvent(window, enter)
    assert hint.property("over") == "true"
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert hint.property("over") == "false"


def test_zoom_is_not_offered_while_there_is_nothing_to_zoom(
    window: MainWindow, digits_state: object, settled: Settled
) -> None:
    assert not window.parts._zoom.isVisible()
    window.session.take(lambda _: digits_state)  # type: ignore[arg-type, return-value]
    assert window.parts._zoom.isVisible()


def test_cards_weigh_memory_against_the_source_and_the_board(
    digits: MainWindow, settled: Settled
) -> None:
    cards = digits.canvas.cards
    _, flash, ram = cards["int8"].card.figures
    views, board = digits.session.state.views, digits.session.state.project.board
    sizes = [views[node].budgets[board].ram_bytes.value for node in (ROOT, "int8")]
    assert ram.share == sizes[1] / sizes[0] < 0.5
    assert ram.tone == flash.tone == "good"
    assert cards[ROOT].card.figures[1].share == 1.0
    digits.session.choose_board("adafruit_trinket_m0_like")
    settled()
    assert cards["int8"].card.figures == (cards["int8"].card.figures[0],)  # an unknown board


def test_a_card_that_is_over_says_so(
    digits: MainWindow, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.budget import Budget

    monkeypatch.setattr(Budget, "over_ram_bytes", 100)
    digits.session.mute("int8")
    settled()
    ram = digits.canvas.cards["fold"].card.figures[2]
    assert ram.over and ram.tone == "bad" and "over" in ram.change


def test_variants_bear_a_letter_in_place_of_the_icon(digits: MainWindow, settled: Settled) -> None:
    assert digits.canvas.cards["int8"].card.letter == ""
    assert digits.canvas.cards["int8"].card.icon == "quantise"
    digits.session.duplicate("int8")
    settled()
    cards = digits.canvas.cards
    assert [cards[node].card.letter for node in ("int8", "quantize_int8")] == ["A", "B"]
    assert cards["int8"].card.full_title.startswith("A ")


def test_a_click_on_a_port_asks_for_a_step(digits: MainWindow, qtbot: QtBot) -> None:
    canvas = digits.canvas
    port = canvas.mapFromScene(canvas.cards["fold"].right_port)
    qtbot.mouseClick(canvas.viewport(), LEFT, pos=port)
    [menu] = digits.findChildren(StepMenu)
    menu.chosen.emit("quantize_int8")
    menu.close()
    assert digits.session.state.project.recipe.by_id["quantize_int8"].parent == "fold"


def test_a_model_alone_shows_where_the_first_step_goes_and_asks_for_data(
    window: MainWindow, settled: Settled, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.open(str(resource("resources/examples/digits/digits.onnx")))
    settled()
    canvas, asked = window.canvas, []
    vacant = canvas._vacant()
    assert canvas._area().contains(vacant)
    monkeypatch.setattr(window, "ask_data", lambda: asked.append(True))
    assert window.parts.settings.data.isVisible()
    qtbot.mouseClick(window.parts.settings.data, LEFT)
    assert asked == [True]
    canvas.drop_step("fold_batch_norm", vacant.center())
    settled()
    assert canvas.cards["fold_batch_norm"].frame == vacant
    assert canvas._vacant().isEmpty()


def test_a_step_over_the_void_marks_the_card_that_takes_it(digits: MainWindow) -> None:
    canvas = digits.canvas
    gesture = DropStep(canvas, "quantize_int8")
    gesture.move(canvas.cards["fold"].right_port + QPointF(8, 150))
    assert canvas.cards["fold"].target
    gesture.cancel()
    assert not canvas.cards["fold"].target


def test_a_port_under_the_mouse_shows_what_a_click_does(digits: MainWindow) -> None:
    item = digits.canvas.cards["fold"]
    item._hover(True, True)
    assert "add a step" in item.toolTip()
    item._hover(True, False)
    assert item.toolTip() == item.card.tooltip


def test_only_a_click_on_the_link_itself_shows_the_model_there(digits: MainWindow) -> None:
    [link, *_] = digits.canvas.links
    middle = (link.parent_card.right_port + link.child_card.left_port) / 2
    beside = middle + QPointF(0, 16)
    assert digits.canvas.link_at(beside) is link  # a step that is dropped there
    assert digits.canvas.link_at(beside, 8) is None
    assert link.shape().contains(middle)


def test_steps_stand_in_the_order_of_work_and_are_found_by_words(window: MainWindow) -> None:
    tree = window.parts.steps
    groups = [heading.text(0) for heading in tree._headings()]
    assert groups == list(by_group())
    known = [group for group in ICONS if group in groups]
    assert groups[: len(known)] == known
    tree.search.setText("int8")
    shown = {
        heading.child(at).text(0)
        for heading in tree._headings()
        for at in range(heading.childCount())
        if not heading.child(at).isHidden()
    }
    assert "Quantise to int8" in shown
    assert "Prune channels" not in shown
    tree.search.clear()
    assert not any(heading.isHidden() for heading in tree._headings())


def test_streamed_input_is_chosen_with_the_plan(digits: MainWindow, settled: Settled) -> None:
    plans = digits.parts.plan
    plans.setCurrentIndex(plans.findText("Small, streamed"))
    plans.activated.emit(plans.currentIndex())
    settled()
    project = digits.session.state.project
    assert (project.plan, project.input) == ("small", "rows")
    card = digits.canvas.cards["int8"].card  # too small a net to gain by it, and it says so
    assert card.state == "failed" and "save nothing" in card.detail
    assert "Leave the input in the arena" in digits.parts.memory._why_none
    digits.actions_.by_id["undo"].trigger()
    assert plans.currentText() == "Layer by layer"


def test_a_latency_limit_is_a_line_and_marks_slower_variants(
    digits: MainWindow, settled: Settled
) -> None:
    digits.start("Run", digits.session.run())
    settled()
    panel = digits.parts.trade_off
    digits.parts.docks.bring(panel)
    panel.axis.setCurrentIndex(panel.axis.findData("time"))
    panel.axis.activated.emit(panel.axis.currentIndex())
    times = sorted(point.costs["time"] for point in panel.chart._points)
    panel.limit.setValue(times[1] / 1000 - 0.5)
    limit_us = 1000 * digits.session.state.project.latency_limit_ms
    assert times[0] < limit_us < times[1]
    assert panel.chart._sizes() == {limit_us: "latency limit"}
    low, high = panel.chart._across
    assert low < limit_us < high
    column = [panel.table.item(at, 4).text() for at in range(panel.table.rowCount())]
    assert sum(text.startswith("\u2715") for text in column) == len(times) - 1
    assert not panel.chart.grab().isNull()
    digits.actions_.by_id["undo"].trigger()
    assert panel.limit.text() == "none"
    assert panel.chart._sizes() == {}


@pytest.mark.parametrize(
    "limit_ms, shown",
    [(0.0, "none"), (0.04, "0.04"), (5.0, "5.0"), (1e-12, "0.000001"), (123456.5, "123456.5")],
)
def test_a_latency_limit_of_a_project_file_is_shown_as_it_is(
    window: MainWindow, settled: Settled, tmp_path: Path, limit_ms: float, shown: str
) -> None:
    limited = Project("example:digits", "example:digits", latency_limit_ms=limit_ms)
    write_project(limited, tmp_path / "mine.tinyml")
    window.open(str(tmp_path / "mine.tinyml"))
    settled()
    field = window.parts.trade_off.limit
    assert field.text().removesuffix("\u202fms") == shown
    window.parts.docks.bring(window.parts.trade_off)
    field.setFocus()
    field.clearFocus()
    assert window.session.state.project.latency_limit_ms == limit_ms


def test_a_latency_limit_is_typed_in_microseconds_and_taken_back(
    digits: MainWindow, settled: Settled
) -> None:
    digits.start("Run", digits.session.run())
    settled()
    digits.parts.docks.bring(digits.parts.trade_off)
    hand, field = Hand(digits, settled), digits.parts.trade_off.limit
    field.setFocus()
    field.selectAll()
    hand.type("0.0405")
    hand.keys("Return")
    assert digits.session.state.project.latency_limit_ms == 0.0405
    assert field.text() == "0.0405\u202fms"
    field.selectAll()
    hand.type("0")
    hand.keys("Return")
    assert digits.session.state.project.latency_limit_ms == 0 and field.text() == "none"


def test_a_port_is_chosen_for_real_boards_only(
    digits: MainWindow, qtbot: QtBot, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.boards.ports import FoundPort
    from studio.gui.panels import port_field

    found = (FoundPort("/dev/ttyACM3", "Board CDC", "2e8a:000a", ("rpi_pico",)),)
    monkeypatch.setattr(port_field, "connected", lambda: found)
    port = digits.parts.deploy.port
    digits.parts.docks.bring(digits.parts.deploy)
    assert not port.isEnabled() and port.currentText() == OWN
    digits.session.choose_board("rpi_pico")
    assert port.isEnabled() and port.currentText() == NONE and port.port == ""
    port.showPopup()
    port.hidePopup()
    port.setCurrentIndex(1)
    port.activated.emit(1)
    assert port.port == port.currentText() == "/dev/ttyACM3"
    port.lineEdit().setText("socket://board:4000")
    qtbot.keyClick(port.lineEdit(), Qt.Key.Key_Return)
    assert port.port == "socket://board:4000"
    digits.session.choose_board("virtual/host")
    assert port.port == ""
    digits.session.choose_board("bluepill_f103c8")
    assert port.port == "" and port.currentText() == NONE  # that port was another board's
    digits.session.choose_board("rpi_pico")
    assert port.port == port.currentText() == "socket://board:4000"


def test_a_port_that_is_being_typed_outlives_a_refresh(digits: MainWindow) -> None:
    digits.session.choose_board("rpi_pico")
    field = digits.parts.deploy.port.lineEdit()
    field.setText("/dev/tty")
    digits.session.rename("int8", "edited meanwhile")
    digits.refresh()
    assert field.text() == "/dev/tty"


def test_a_port_where_nothing_answers_is_a_notice(digits: MainWindow, settled: Settled) -> None:
    digits.session.choose_board("rpi_pico")
    field = digits.parts.deploy.port.lineEdit()
    field.setText("/dev/no-such-port")
    field.editingFinished.emit()
    digits.flash()
    settled()
    assert "there is no such port" in digits.notices.shown[-1].text.lower()


def test_every_tab_is_seen_in_the_smallest_window(digits: MainWindow) -> None:
    digits.resize(1024, 640)
    digits.actions_.by_id["reset_layout"].trigger()
    QApplication.processEvents()
    bars = [bar for bar in digits.findChildren(QTabBar) if bar.parent() is digits]
    [bar] = [bar for bar in bars if bar.count() == 9]
    assert not any(button.isVisible() for button in bar.findChildren(QToolButton))
    assert bar.tabRect(bar.count() - 1).right() < bar.width()


def test_tabs_keep_their_places_when_another_is_chosen(digits: MainWindow) -> None:
    [bar] = [bar for bar in digits.findChildren(QTabBar) if bar.parent() is digits]
    places = []
    for index in (0, 4):
        bar.setCurrentIndex(index)
        QApplication.processEvents()
        places.append([bar.tabRect(at).left() for at in range(bar.count())])
    assert places[0] == places[1]


def test_a_notice_moves_nothing(digits: MainWindow) -> None:
    QApplication.processEvents()
    before, zoom = digits.canvas.geometry(), digits.canvas.zoom
    digits.notices.error(ModelError("is broken", "a.onnx", "export it again"))
    QApplication.processEvents()
    assert digits.canvas.geometry() == before and digits.canvas.zoom == zoom
    inside = digits.parts.pipeline.rect()
    assert inside.contains(digits.notices.geometry())
    digits.parts.pipeline.resize(420, inside.height())
    assert digits.parts.pipeline.rect().contains(digits.notices.geometry())


def test_a_layer_list_without_program_says_why(digits: MainWindow, settled: Settled) -> None:
    digits.session.add_step("quantize_int8", "int8")
    settled()
    assert "quantised already" in digits.parts.layer_list._why_none
    assert not digits.parts.layer_list.grab().isNull()


def test_empty_panels_run_the_pipeline(digits: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(digits, "run", lambda: ran.append(True))
    for panel in (digits.parts.accuracy, digits.parts.trade_off):
        [button] = panel.widget(0).findChildren(QAbstractButton)
        button.click()
    assert len(ran) == 2


def test_watching_is_stopped_and_begun_in_the_live_panel(window: MainWindow, qtbot: QtBot) -> None:
    panel = window.parts.live
    for text, signal in (("Go live", panel.live_requested), ("Stop", panel.stop_requested)):
        assert panel.switch.text() == panel.switch.accessibleName() == text
        with qtbot.waitSignal(signal):
            panel.switch.click()
        panel.start()
    panel.stop()
    assert panel.switch.text() == "Go live"
