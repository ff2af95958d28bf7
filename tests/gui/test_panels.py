"""The panels: what they show, and that picking a layer in one picks it in all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hand import Hand

from studio.budget.arena_map import row_stages, shared, spans
from studio.errors import StudioError
from studio.gui import export, theme
from studio.gui.main_window import MainWindow
from studio.gui.panels.deploy import DeployPanel
from studio.gui.panels.live import LivePanel
from studio.gui.panels.station_row import Station
from studio.project import ROOT
from studio.session import Reading, Session, State

Settled = Callable[[], None]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def run_state(digits_state: State) -> State:
    """Digits with two variants, run once."""
    session = Session()
    session.take(lambda _: digits_state)
    session.duplicate("int8")
    session.tune("quantize_int8", {"per_channel": False})
    session.finish(session.run())
    session.finish(session.analyse())
    return session.state


@pytest.fixture
def compared(window: MainWindow, settled: Settled, run_state: State) -> MainWindow:
    """A window with two measured variants."""
    window.session.take(lambda _: run_state)
    settled()
    return window


def test_where_weights_lie_is_chosen_beside_the_model(digits: MainWindow, settled: Settled) -> None:
    session = digits.session
    session.select(ROOT)
    settled()
    before = session.state.view.budgets[session.state.project.board]
    box = digits.parts.settings.form.editor_of("weights")
    box.setCurrentText("RAM")
    box.activated.emit(box.currentIndex())
    settled()
    now = session.state.view.budgets[session.state.project.board]
    assert session.state.project.weights == "ram"
    assert now.ram_bytes.value - before.ram_bytes.value == now.copied_bytes.value > 0
    tooltip = digits.parts.budget.rows[session.state.project.board].row.tooltip
    assert "weights" in tooltip.partition("\nRAM ")[2]
    row = digits.parts.budget.rows["bluepill_f103c8"].row
    assert row.over.endswith("see weights in RAM")
    session.undo()
    assert session.state.project.weights == "flash"


def test_a_layer_picked_in_one_panel_is_picked_in_all(
    compared: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    parts = compared.parts
    parts.docks.bring(parts.model)
    settled()
    call = parts.layers._program.calls[2]
    layer = call.layer.split(";")[0]
    row = [node.name for node in parts.model.nodes].index(layer)
    parts.model.table.selectRow(row)
    assert parts.layers.currentRow() == 2
    assert parts.layer_list.indexOfTopLevelItem(parts.layer_list.currentItem()) == 2
    assert parts.model.graph.items_[layer].picked
    assert parts.memory._layer == 2
    parts.layer_list.setCurrentItem(parts.layer_list.topLevelItem(0))
    assert parts.memory._layer == 0


def test_a_click_in_the_memory_map_picks_the_layer_that_writes_the_buffer(
    compared: MainWindow, qtbot: QtBot
) -> None:
    memory = compared.parts.memory
    [written] = memory._program.calls[1].outputs
    span = spans(memory._program)[written]
    qtbot.mouseClick(memory, LEFT, pos=memory._rect(span).center().toPoint())
    assert memory._layer == 1


def test_the_model_is_searched_and_checked(compared: MainWindow, settled: Settled) -> None:
    panel = compared.parts.model
    compared.parts.docks.bring(panel)
    settled()
    panel.search.setText("conv")
    shown = [r for r in range(panel.table.rowCount()) if not panel.table.isRowHidden(r)]
    assert 0 < len(shown) < panel.table.rowCount()
    assert all("conv" in panel.table.item(row, 1).text().lower() for row in shown)
    assert "supported" in panel.verdict.text()


def test_plan_small_shows_rings_and_shared_bytes(compared: MainWindow, settled: Settled) -> None:
    compared.parts.plan.setCurrentIndex(1)
    compared.parts.plan.activated.emit(1)
    settled()
    assert compared.session.state.project.plan == "small"
    program = compared.session.state.view.program
    assert row_stages(program)
    assert any(buffer.rows for buffer in program.buffers)
    memory = compared.parts.memory
    assert not any(name.endswith("/raw") for name in memory._names)
    ring = next(s for s in memory._spans if program.buffers[s.buffer].rows)
    assert "ring of" in memory.description_at(memory._rect(ring).center())
    for one, other in shared(memory._spans):
        assert max(one.start, other.start) < min(one.end, other.end)


def test_a_point_of_the_trade_off_opens_its_variant(compared: MainWindow, qtbot: QtBot) -> None:
    panel = compared.parts.trade_off
    compared.parts.docks.bring(panel)
    chart = panel.chart
    assert [row[0] for row in export.cells(panel.table)[1:]] == [
        "Model", "Fold batch norm", "A  Quantise to int8", "B  Quantise to int8",
    ]  # fmt: skip
    point = next(p for p in chart._points if p.node == ROOT)
    qtbot.mouseClick(chart, LEFT, pos=chart.place(point).toPoint())
    assert compared.session.state.selected == ROOT
    panel.table.selectRow(2)
    assert compared.session.state.selected == "int8"


def test_the_plot_has_at_least_half_of_its_panel_and_the_table_needs_no_scrolling(
    compared: MainWindow,
) -> None:
    panel = compared.parts.trade_off
    compared.parts.docks.bring(panel)
    for width in (1024, 1280, 1600):
        compared.resize(width, 800)
        QApplication.processEvents()
        assert panel.chart.width() >= panel.width() / 2
        assert panel.table.horizontalScrollBar().maximum() == 0 or width < 1280
    assert not panel.table.isColumnHidden(5)  # there is room for it now


@pytest.mark.parametrize("apart", [0.0, 0.004, 0.02], ids=["stacked", "overlapping", "close"])
@pytest.mark.parametrize("count", [3, 12])
def test_points_that_lie_on_each_other_are_labelled_legibly(
    compared: MainWindow, apart: float, count: int
) -> None:
    chart = compared.parts.trade_off.chart
    compared.parts.docks.bring(compared.parts.trade_off)
    QApplication.processEvents()
    one = chart._points[-1]
    points = [
        replace(one, node=f"n{at}", title=f"Variant {at}", label=f"V{at}",
                accuracy=0.95 - apart * (at % 3), costs={"flash": 20_000.0 * (1 + apart * at)})
        for at in range(count)
    ]  # fmt: skip
    chart.show_points(points, (), "n1")
    labels = chart.labels(QFontMetricsF(chart.font()))
    named = [point.node for label in labels for point in label.stack]
    assert len(named) == len(set(named))
    if count == 3:
        assert sorted(named) == sorted(point.node for point in points)
    dots = [QRectF(chart.place(p) - QPointF(5, 5), QSizeF(10, 10)) for p in points]
    for at, label in enumerate(labels):
        assert QRectF(chart.rect()).contains(label.box)
        assert not any(label.box.intersects(dot) for dot in dots)
        assert not any(label.box.intersects(other.box) for other in labels[at + 1 :])
    assert not chart.grab().isNull()


def test_clicks_on_a_stack_of_points_go_through_it(compared: MainWindow, qtbot: QtBot) -> None:
    panel, chosen = compared.parts.trade_off, []
    compared.parts.docks.bring(panel)
    panel.chart.chosen.connect(chosen.append)
    at = {point.node: panel.chart.place(point).toPoint() for point in panel.chart._points}
    assert (at["int8"] - at["quantize_int8"]).manhattanLength() < 3
    for _ in range(3):
        qtbot.mouseClick(panel.chart, LEFT, pos=at["int8"])
    assert set(chosen) == {"int8", "quantize_int8"}
    assert chosen[0] == chosen[2] != chosen[1]


def test_the_front_leaves_out_what_is_dearer_and_no_better(compared: MainWindow) -> None:
    chart = compared.parts.trade_off.chart
    cheap, dear = chart._points[-1], chart._points[0]
    chart.show_points(
        [replace(cheap, accuracy=0.9), replace(dear, accuracy=0.8), replace(dear, accuracy=0.95)],
        (), "",
    )  # fmt: skip
    assert [point.accuracy for point in chart.front()] == [0.9, 0.95]


def test_accuracy_is_weighed_against_the_estimated_latency(compared: MainWindow) -> None:
    panel = compared.parts.trade_off
    compared.parts.docks.bring(panel)
    panel.axis.setCurrentIndex(panel.axis.findData("time"))
    panel.axis.activated.emit(panel.axis.currentIndex())
    state = compared.session.state
    places = {point.node: panel.chart.place(point).x() for point in panel.chart._points}
    times = {
        node: state.views[node].budgets[state.project.board].latency_us.value for node in places
    }
    assert len(places) == 4
    assert sorted(places, key=places.__getitem__) == sorted(times, key=times.__getitem__)
    column = [row[4] for row in export.cells(panel.table)[1:]]
    assert all(text.endswith("ms") for text in column)


def test_a_board_without_estimate_says_so_instead_of_points(compared: MainWindow) -> None:
    chart = compared.parts.trade_off.chart
    points = [replace(p, costs={"flash": 1.0, "ram": 1.0, "macs": 1.0}) for p in chart._points]
    chart.cost = "time"
    chart.show_points(points, (), "")
    assert chart.front() == []
    assert not chart.grab().isNull()


def test_the_noise_of_the_layers_is_measured_when_it_is_looked_at(
    compared: MainWindow, settled: Settled
) -> None:
    accuracy = compared.parts.accuracy
    compared.parts.docks.bring(accuracy)
    settled()
    assert compared.session.state.current_noise is None
    accuracy.show_page(2)
    settled()
    noise = compared.session.state.current_noise
    assert noise is not None
    assert all(layer.sqnr_db > 5 for layer in noise.layers)
    assert "worst" in accuracy.noise.accessibleDescription()


def test_each_class_is_compared_with_the_source(compared: MainWindow) -> None:
    rows = export.cells(compared.parts.accuracy.classes)[1:]
    assert len(rows) == 10
    assert all("%" in row[2] and "%" in row[3] for row in rows)


def test_the_code_of_two_variants_is_compared(compared: MainWindow, settled: Settled) -> None:
    compared.session.select("quantize_int8")
    settled()
    code = compared.parts.code
    compared.parts.docks.bring(code)
    code.other.setCurrentIndex(code.other.findData("int8"))
    code.other.activated.emit(code.other.currentIndex())
    settled()
    assert "@@" in code.text.toPlainText()
    names = [code.files.item(row).text() for row in range(code.files.count())]
    assert any(name.endswith("(equal)") for name in names)
    code.other.setCurrentIndex(0)
    code.other.activated.emit(0)
    assert "@@" not in code.text.toPlainText()


def test_tables_are_copied_as_csv_and_markdown(compared: MainWindow) -> None:
    compared.parts.docks.bring(compared.parts.trade_off)
    compared.refresh()
    compared.actions_.by_id["copy_csv"].trigger()
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert rows[0][0] == "Variant"
    assert len(rows) == 5
    compared.actions_.by_id["copy_markdown"].trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[1].startswith("| --- |")
    assert len(lines) == 6


@pytest.mark.parametrize("index", range(5))
def test_every_plot_is_saved_as_svg_and_png(
    compared: MainWindow, tmp_path: Path, index: int
) -> None:
    plot = compared.parts.plots[index]
    export.save_picture(plot, tmp_path / "plot.svg")
    assert QSvgRenderer(str(tmp_path / "plot.svg")).isValid()
    export.save_picture(plot, tmp_path / "plot.png")
    assert QImage(str(tmp_path / "plot.png")).width() == 2 * plot.width()


def test_the_pipeline_is_copied_as_a_picture(compared: MainWindow) -> None:
    QGuiApplication.clipboard().clear()
    compared.actions_.by_id["copy_pipeline"].trigger()
    picture = QGuiApplication.clipboard().image()
    assert picture.width() == 2 * compared.canvas.width()
    centre = compared.canvas.mapFromScene(compared.canvas.cards["int8"].frame.center())
    colours = {picture.pixel(2 * centre.x() + dx, 2 * centre.y() + dy)
               for dx in range(-80, 80) for dy in range(-30, 30)}  # fmt: skip
    assert len(colours) > 10  # the card is on it


def test_a_plot_that_cannot_be_written_is_a_notice(
    compared: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    compared.parts.docks.bring(compared.parts.trade_off)
    hand, before = Hand(compared, settled), len(compared.notices.shown)
    for name in ("plot.svg", "plot.png"):
        (tmp_path / name).mkdir()
        with pytest.raises(StudioError, match="cannot be written"):
            export.save_picture(compared.parts.trade_off.chart, tmp_path / name)
    compared.guarded(export.save_picture)(compared.parts.plot, tmp_path / "plot.svg")
    assert len(compared.notices.shown) == before + 1
    hand.answer(tmp_path / "other.png")
    compared.actions_.by_id["save_plot"].trigger()
    assert len(compared.notices.shown) == before + 1
    assert QImage(str(tmp_path / "other.png")).width() > 0


def test_boards_are_filtered_and_favourites_stand_first(compared: MainWindow, qtbot: QtBot) -> None:
    budget = compared.budget
    budget.filter.setText("blue")
    shown = [board for board, row in budget.rows.items() if row.isVisible()]
    assert shown == ["bluepill_f103c8"]
    budget.filter.clear()
    row = budget.rows["bluepill_f103c8"]
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: row.y() == min(other.y() for other in budget.rows.values()))
    assert compared.settings.value("favourites") in ("bluepill_f103c8", ["bluepill_f103c8"])


def test_boards_that_are_over_are_hidden_where_only_fitting_ones_are_wanted(
    compared: MainWindow, settled: Settled
) -> None:
    row = next(iter(compared.budget.rows.values()))
    row.show_row(replace(row.row, over="over by 1 kB flash"), False, False)
    compared.budget.fitting.setChecked(True)
    assert not row.isVisible()


def test_an_empty_map_says_what_to_do(window: MainWindow) -> None:
    assert not window.parts.memory.grab().isNull()
    assert window.parts.memory.description_at(QPoint(5, 5).toPointF()) == ""


def test_a_step_whose_settings_changed_since_its_run_is_stale(
    compared: MainWindow, settled: Settled
) -> None:
    cards = compared.canvas.cards
    assert cards["quantize_int8"].card.state == "done"
    compared.session.tune("quantize_int8", {"samples": 8})
    settled()
    assert cards["quantize_int8"].card.state_text == "stale"
    assert cards["int8"].card.state == "done"
    compared.session.undo()
    assert cards["quantize_int8"].card.state == "done"


def test_the_compiler_is_chosen_where_the_firmware_is_built(
    compared: MainWindow, qtbot: QtBot, settled: Settled
) -> None:
    deploy = compared.parts.deploy
    compared.parts.docks.bring(deploy)
    deploy.toolchain.setFocus()
    qtbot.keyClick(deploy.toolchain, Qt.Key.Key_Down)
    settled()
    assert compared.session.state.project.toolchain == "gcc"
    compared.actions_.by_id["undo"].trigger()
    assert deploy.toolchain.currentData() == "zig"


def test_stations_and_scores_are_scrolled_where_there_is_no_room(qtbot: QtBot) -> None:
    """Each station takes the height of its lines, each score a line."""
    deploy, live = DeployPanel(), LivePanel()
    for panel in (deploy, live):
        qtbot.addWidget(panel)
        panel.resize(480, 160)
        panel.show()
    deploy.show_stations("Board", [Station("Build", "done", "figures", "source")] * 4)
    live.start()
    signal, scores = np.zeros((1, 8), np.float32), np.zeros(1000, np.float32)
    live.receive(Reading("board", signal, None, scores, (), -1, 0.0))
    live.draw()
    QApplication.processEvents()
    for row in deploy.rows:
        assert row.height() >= row.sizeHint().height()
    assert live.bars.height() >= 1000 * QFontMetricsF(theme.tabular()).capHeight()


def test_a_board_tells_time_and_energy_as_far_as_they_are_known(digits: MainWindow) -> None:
    tips = {board: row.row.tooltip for board, row in digits.budget.rows.items()}
    told = tips["nano33ble_sense"].rpartition("An inference ")[2]
    assert "ms, " in told and "J\n    Estimated: " in told
    assert "energy not known" in tips["stm32f746g_disco"]
