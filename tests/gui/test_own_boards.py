"""Boards and an application of the user's own: files, the form, the dialog, by mouse and keys."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot
from window_events import drop_file
from window_hand import Hand

from studio.gui import present, theme
from studio.gui.application_dialog import ApplicationDialog
from studio.gui.describe_board import DescribeBoard
from studio.gui.main_window import MainWindow
from studio.gui.panels.board_chooser import BOARD, BoardChooser
from studio.gui.panels.board_rows import FIGURE_PX, GAP_PX, NAME_PX, _share_text
from studio.gui.questions import DeviceQuestion
from studio.project import Application
from studio.session import Session
from studio.targets import library
from studio.targets.library import profile
from studio.targets.profile import Profile

Settled = Callable[[], None]
Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton
BOARD_TOML = """name = "My board"
mcu = "My part"
core = "cortex-m4f"
memory = [
    { name = "flash", kind = "flash", address = 0x08000000, size_bytes = 1_048_576 },
    { name = "ram", kind = "ram", address = 0x20000000, size_bytes = 131_072 },
]
"""
MANIFEST = {
    "name": "A Nucleo",
    "build": {"cpu": "cortex-m4", "f_cpu": "84000000L", "mcu": "stm32f401ret6"},
    "upload": {"maximum_ram_size": 98304, "maximum_size": 524288},
}
PACK = """<package><devices><family><processor Dcore="Cortex-M7" Dclock="84000000"/>
<memory id="IROM1" start="0x08000000" size="0x80000"/>
<memory id="IRAM1" start="0x20000000" size="0x18000"/>
<device Dname="F401"/><device Dname="F411"/><device Dname="H743"/></family></devices></package>
"""
MAP = """.text           0x08000000     0x9000
.data           0x20000000       0x40
.bss            0x20000040     0x2000
"""
BOMB = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa">]><package>&a;</package>'


@pytest.fixture
def hand(digits: MainWindow, settled: Settled) -> Hand:
    return Hand(digits, settled)


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def open_dialog(kind: type) -> QWidget:
    [dialog] = [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]
    return dialog


def type_into(field: QWidget, text: str) -> None:
    QTest.mouseClick(field, LEFT)
    QTest.keyClick(field, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, text)


def test_a_dropped_manifest_is_chosen_compared_and_remembered(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    path = str(written(tmp_path, "nucleo.json", json.dumps(MANIFEST)))
    hand.drop(Path(path))
    assert not digits.notices.shown
    assert digits.session.state.project.board == path
    assert digits.budget.rows[path].row.name == "A Nucleo"
    assert digits.budget.rows[path].row.flash is not None
    assert digits.parts.board.currentText() == "A Nucleo"
    hand.keys("Ctrl+Z")
    assert path not in digits.session.state.project.boards
    popup = digits.budget.open_chooser()
    rows = [popup.list.topLevelItem(row) for row in range(popup.list.topLevelItemCount())]
    [row] = [row for row in rows if row.data(0, BOARD) == path]
    assert row.text(0) == "A Nucleo" and row.checkState(0) == Qt.CheckState.Unchecked
    row.setCheckState(0, Qt.CheckState.Checked)
    hand.settled()
    assert path in digits.session.state.project.boards
    popup.close()


@pytest.mark.parametrize("over", ["budget", "layers", "outline"])
def test_a_board_may_be_dropped_on_any_panel(
    digits: MainWindow, settled: Settled, tmp_path: Path, over: str
) -> None:
    path = written(tmp_path, "mine.toml", BOARD_TOML)
    panel = getattr(digits, over)
    if over == "outline":
        digits.show_tree(True)
    target = panel if not hasattr(panel, "viewport") else panel.viewport()
    while target is not None and not target.acceptDrops():
        target = target.parentWidget()  # as the window system looks for one
    drop_file(target, path)
    settled()
    assert digits.session.state.project.board == str(path)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("z80.toml", BOARD_TOML.replace("cortex-m4f", "z80"), "nknown core 'z80'"),
        ("broken.toml", "name =", "annot be read"),
        ("bomb.pdsc", BOMB, "document type or entities"),
        ("b.json", json.dumps({**MANIFEST, "upload": {}}), "tates no size of its flash"),
    ],
)
def test_a_board_that_cannot_be_is_a_notice_with_its_hint(
    digits: MainWindow, hand: Hand, tmp_path: Path, name: str, text: str, what: str
) -> None:
    before = digits.session.state.project
    hand.drop(written(tmp_path, name, text))
    [notice] = digits.notices.shown
    told = " ".join(label.text() for label in notice.findChildren(type(digits.status.text)))
    assert what in told
    assert digits.session.state.project is before
    assert not digits.own.files
    hand.drop(written(tmp_path, "good.toml", BOARD_TOML))
    assert not digits.notices.shown


def test_a_board_file_is_added_from_the_board_choice(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    path = written(tmp_path, "mine.toml", BOARD_TOML)
    hand.answer(path)
    hand.press("Add a board of your own")
    hand.choose("Add a board file\u2026")
    assert digits.session.state.project.board == str(path)
    assert digits.own.files == [str(path)]


def test_a_description_of_several_devices_asks_which(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    path = written(tmp_path, "vendor.pdsc", PACK)
    hand.drop(path)
    question = open_dialog(DeviceQuestion)
    QTest.keyClicks(question.field, "4")
    shown = [question.list.item(i) for i in range(3) if not question.list.item(i).isHidden()]
    assert [item.text() for item in shown] == ["F401", "F411", "H743"]
    QTest.keyClick(question.field, Key.Key_Down)
    QTest.keyClick(question.list, Key.Key_Down)
    QTest.keyClick(question.list, Key.Key_Return)
    hand.settled()
    assert digits.session.state.project.board == f"{path}#F411"
    assert not digits.notices.shown


def test_a_device_that_nobody_has_cannot_be_chosen(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    hand.drop(written(tmp_path, "vendor.pdsc", PACK))
    question = open_dialog(DeviceQuestion)
    QTest.keyClicks(question.field, "zzz")
    assert not question.go_on.isEnabled() and question.told.isVisible()
    QTest.keyClick(question, Key.Key_Escape)
    assert digits.session.state.project.board == "virtual/mps2-an386"


@pytest.fixture
def form(digits: MainWindow) -> Iterator[DescribeBoard]:
    popup = digits.budget.open_chooser()
    [button] = [b for b in popup.findChildren(QWidget) if b.accessibleName() == "Describe a board"]
    QTest.mouseClick(button, LEFT)
    yield open_dialog(DescribeBoard)


def test_a_described_board_is_written_and_chosen(
    digits: MainWindow, hand: Hand, form: DescribeBoard, tmp_path: Path
) -> None:
    assert not form.save.isEnabled() and "name is empty" in form.missing.text()
    type_into(form.name, "My board")
    type_into(form.mcu, "My part")
    type_into(form.clock, "84")
    QTest.keyClick(form.core, Key.Key_Down)
    type_into(form.rows[0].length, "512K")
    type_into(form.rows[1].length, "0x10000")
    assert form.save.isEnabled() and not form.missing.text()
    path = tmp_path / "mine.toml"
    hand.answer(path)
    hand.click(form.save)
    assert digits.session.state.project.board == str(path)
    found = profile(str(path))
    assert (found.name, found.core, found.clock_hz.value) == ("My board", "cortex-m7", 84_000_000)
    assert (found.size_bytes("flash"), found.size_bytes("ram")) == (512 << 10, 1 << 16)
    assert digits.budget.rows[str(path)].row.flash is not None


def test_what_the_reader_refuses_stands_at_its_field(form: DescribeBoard) -> None:
    assert not any(label.isVisible() for label in form.told.values())
    type_into(form.clock, "fast")
    assert "'fast' is no number" in form.told["clock"].text() and form.told["clock"].isVisible()
    assert not form.told["name"].isVisible()
    type_into(form.clock, "84")
    assert not form.told["clock"].isVisible()
    first, second = form.rows
    type_into(first.length, "1M")
    type_into(second.length, "much")
    assert "'much' is no number" in second.told.text() and not first.told.isVisible()
    type_into(second.length, "64K")
    type_into(second.address, "0x08000000")
    assert "overlap" in form.told["memory"].text()
    QTest.mouseClick(second.remove, LEFT)
    assert "o ram region" in form.told["memory"].text()
    QTest.mouseClick(form.more, LEFT)
    type_into(form.rows[1].address, "0x20000000")
    type_into(form.rows[1].length, "8K")
    assert not form.told["memory"].isVisible()
    form.reject()


def test_each_region_says_by_itself_what_is_wrong_with_it(form: DescribeBoard) -> None:
    first, second = form.rows
    type_into(first.length, "much")
    type_into(second.length, "0")
    assert "is no number" in first.told.text() and "not positive" in second.told.text()
    form.reject()


def test_a_region_that_is_added_has_a_name_of_its_own(form: DescribeBoard) -> None:
    for _ in range(2):
        QTest.mouseClick(form.more, LEFT)
    QTest.mouseClick(form.rows[1].remove, LEFT)
    QTest.mouseClick(form.more, LEFT)
    names = [row.name.text() for row in form.rows]
    spoken = [row.name.accessibleName() for row in form.rows]
    assert len(names) == len(set(names)) == len(set(spoken)) == 4
    form.reject()


def test_a_board_with_a_long_name_or_far_too_little_memory_keeps_its_place(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    text = BOARD_TOML.replace("My board", "A board with a long name " * 6)
    tiny = text.replace("1_048_576", "1").replace("131_072", "1")
    path = str(written(tmp_path, "tiny.toml", tiny))
    hand.drop(Path(path))
    assert digits.parts.board.width() <= 240
    row = digits.budget.rows[path]
    assert row.row.flash > 999
    metrics = QFontMetricsF(theme.scaled(0.92))
    for share in (0.001, 1.0, 9.99, 10.0, 999.0, 1000.0, row.row.flash, 1e12):
        assert metrics.horizontalAdvance(_share_text(share)) <= FIGURE_PX - 4


def test_the_list_of_boards_is_seen_whole(digits: MainWindow) -> None:
    digits.move(digits.screen().availableGeometry().bottomRight() - QPoint(300, 300))
    popup = digits.budget.open_chooser()
    assert digits.screen().availableGeometry().contains(popup.geometry())
    popup.close()


def test_tab_leads_down_the_form(form: DescribeBoard, qtbot: QtBot) -> None:
    qtbot.waitUntil(form.name.hasFocus)
    passed = []
    for _ in range(16):
        passed.append(QApplication.focusWidget())
        QTest.keyClick(passed[-1], Key.Key_Tab)
    rows = [field for row in form.rows for field in row.fields]
    assert passed == [
        form.name, form.mcu, form.core, form.clock, *rows, form.more, form.cancel,
    ]  # fmt: skip
    form.reject()


def test_a_board_that_cannot_be_written_leaves_the_form_open(
    digits: MainWindow, hand: Hand, form: DescribeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field, text in ((form.name, "My board"), (form.mcu, "My part")):
        type_into(field, text)
    for row in form.rows:
        type_into(row.length, "64K")
    no_folder = lambda *_: "/no/such/folder/mine.toml"  # noqa: E731 - Qt's dialog refuses it
    monkeypatch.setattr("studio.gui.own_boards.ask_to_write", no_folder)
    hand.click(form.save)
    assert (
        form.isVisible() and "/no/such/folder/mine.toml: cannot be written" in form.missing.text()
    )
    assert digits.session.state.project.board == "virtual/mps2-an386"
    form.reject()


def test_an_application_counts_and_is_a_part_of_the_bars(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    row = digits.budget.rows["virtual/mps2-an386"]
    before, bare = row.row, digits.session.state.project
    path = written(tmp_path, "app.map", MAP)
    hand.click(digits.budget.application)
    dialog = open_dialog(ApplicationDialog)
    hand.answer(path)
    QTest.mouseClick(dialog.pick, LEFT)
    assert dialog.name.text() == "app.map"
    type_into(dialog.ram, "1000")
    hand.click(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert digits.session.state.project.application == Application(str(path), 0, 1000)
    flash, ram = 0x9040, 0x2040 + 1000
    size = digits.session.state.view.budgets["virtual/mps2-an386"].profile.size_bytes
    assert row.row.application == (flash / size("flash"), ram / size("ram"))
    assert row.row.flash == pytest.approx(before.flash + flash / size("flash"))
    assert row.row.ram == pytest.approx(before.ram + ram / size("ram"))
    assert "application 36\u202f928\u202fB" in row.toolTip()
    assert "application" in row.accessibleDescription()
    assert "36.9\u202fkB flash" in digits.budget.application.text()
    hand.keys("Ctrl+Z")
    assert digits.session.state.project == bare
    assert row.row == before
    assert digits.budget.application.text() == "My application\u2026"


def test_the_bar_shows_the_application_in_a_colour_of_its_own(
    digits: MainWindow, settled: Settled
) -> None:
    row = digits.budget.rows["bluepill_f103c8"]
    own, model = (theme.current().muted, theme.current().accent)

    def colours() -> list[str]:
        """Along the middle of the flash bar, from its left end to that of the figure."""
        image = row.grab().toImage()
        scale = image.width() / row.width()
        end = NAME_PX + 8 + (row.width() - NAME_PX - 8) // 2 - FIGURE_PX - GAP_PX
        places = range(NAME_PX + 9, end)
        return [image.pixelColor(int(x * scale), int(14 * scale)).name() for x in places]

    assert model in colours() and own not in colours()
    digits.session.finish(digits.session.open_application("", 30_000, 8_000))
    settled()
    along = colours()
    assert along[1] == own and model in along
    share = row.row.application[0] / row.row.flash
    assert along.count(own) / (along.count(own) + along.count(model)) == pytest.approx(
        share, abs=0.2
    )


def test_the_application_is_taken_off_the_limits_of_the_boards(
    digits: MainWindow, settled: Settled
) -> None:
    before = {limit.board: limit.sizes for limit in present.limits(digits.session.state)}
    digits.session.finish(digits.session.open_application("", 30_000, 8_000))
    settled()
    for limit in present.limits(digits.session.state):
        assert limit.sizes["flash"] == before[limit.board]["flash"] - 30_000
        assert limit.sizes["ram"] == before[limit.board]["ram"] - 8_000


def test_an_application_that_takes_most_is_what_to_look_at_first(
    digits: MainWindow, settled: Settled
) -> None:
    digits.session.choose(weights="ram")
    row = digits.budget.rows["virtual/mps2-an386"]
    for flash_bytes, ram_bytes in ((100_000_000, 0), (0, 100_000_000)):
        digits.session.finish(digits.session.open_application("", flash_bytes, ram_bytes))
        settled()
        assert row.row.over.endswith("see application")


def test_a_dropped_map_is_the_application(digits: MainWindow, hand: Hand, tmp_path: Path) -> None:
    hand.drop(written(tmp_path, "app.map", MAP))
    assert digits.session.state.project.application.file == str(tmp_path / "app.map")
    hand.drop(written(tmp_path, "notes.map", "nothing"))
    assert len(digits.notices.shown) == 1
    assert digits.session.state.project.application.file == str(tmp_path / "app.map")
    digits.own.edit_application()
    dialog = open_dialog(ApplicationDialog)
    QTest.mouseClick(dialog.drop, LEFT)
    hand.click(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert digits.session.state.project.application == Application()


def rows_of(popup: BoardChooser) -> dict[str, QTreeWidgetItem]:
    items = (popup.list.topLevelItem(row) for row in range(popup.list.topLevelItemCount()))
    return {item.data(0, BOARD): item for item in items if item is not None}


def test_no_board_file_is_read_in_the_thread_of_the_window(
    digits: MainWindow, hand: Hand, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "vendor.pdsc", PACK)
    others = [written(tmp_path, f"{i}.toml", BOARD_TOML) for i in range(3)]
    readers: list[bool] = []
    read = library._read

    def noted(board: str, changed: int) -> Profile:
        if board.startswith(str(tmp_path)):
            readers.append(threading.current_thread() is threading.main_thread())
        return read(board, changed)

    monkeypatch.setattr(library, "_read", noted)
    session = Session()
    session.finish(session.open("example:digits"))
    session.choose_board(f"{path}#F411")
    project = session.save(tmp_path / "mine.tinyml")
    digits.settings.setValue("own_boards", [str(other) for other in others])
    digits.open(str(project))
    hand.settled()
    popup = digits.budget.open_chooser()
    assert rows_of(popup)[str(others[0])].text(0) == "0"
    qtbot.waitUntil(lambda: rows_of(popup)[str(others[2])].text(0) == "My board")
    assert rows_of(popup)[f"{path}#F411"].text(1) == "cortex-m7"
    assert digits.parts.board.currentText() == "F411"
    popup.close()
    assert readers and not any(readers)


def test_a_board_whose_file_is_gone_can_be_given_up(
    digits: MainWindow, hand: Hand, tmp_path: Path, qtbot: QtBot
) -> None:
    path = written(tmp_path, "mine.toml", BOARD_TOML)
    hand.drop(path)
    digits.session.choose_board("rpi_pico")
    other = written(tmp_path, "other.toml", BOARD_TOML)
    digits.settings.setValue("own_boards", [str(path), str(other)])
    path.unlink()
    other.unlink()
    digits.session.limit_latency(1.0)
    hand.settled()
    row = digits.budget.rows[str(path)].row
    assert row.flash is None and "cannot be read" in row.tooltip
    assert row.over.startswith("\u2715 cannot be read")
    popup = digits.budget.open_chooser()
    qtbot.waitUntil(lambda: rows_of(popup)[str(path)].text(1) == "cannot be read")
    assert str(other) not in rows_of(popup)
    assert digits.session.state.project.boards.count(str(path)) == 1
    rows_of(popup)[str(path)].setCheckState(0, Qt.CheckState.Unchecked)
    hand.settled()
    assert str(path) not in digits.session.state.project.boards
    popup.close()


def test_a_project_with_boards_that_are_gone_opens_and_names_them_shortly(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    session = Session()
    session.finish(session.open("example:digits"))
    for name in ("gone.toml", "pack.pdsc#F4"):
        session.choose_board(str(tmp_path / name))
    file = session.save(tmp_path / "mine.tinyml")
    digits.open(str(file))
    hand.settled()
    assert digits.parts.board.currentText() == "F4"
    named = [digits.parts.board.itemText(at) for at in range(digits.parts.board.count())]
    assert named[-2:] == ["gone", "F4"]


def test_an_application_that_is_gone_is_named_where_it_was_counted(
    digits: MainWindow, hand: Hand, tmp_path: Path, qtbot: QtBot
) -> None:
    path = written(tmp_path, f"R&D <b>bold {'long ' * 20}.map", MAP)
    hand.drop(path)
    assert "36.9\u202fkB flash" in digits.budget.application.text()
    path.unlink()
    digits.session.limit_latency(1.0)
    hand.settled()
    assert "cannot be used" in digits.budget.application.text()
    [notice] = digits.notices.shown
    assert path.name in notice.text and "Cannot be read" in notice.text
    qtbot.waitUntil(lambda: not digits.notices.verticalScrollBar().maximum())
    assert digits.budget.width() <= digits.budget.parentWidget().width()
    assert not any(row.row.over for row in digits.budget.rows.values())
    dialog = digits.own.edit_application()
    assert dialog.name.text().startswith("R&D <b>bold") and dialog.width() <= 560
    assert dialog.name.sizeHint().width() <= dialog.name.width()
    dialog.reject()
    written(tmp_path, path.name, MAP)
    digits.session.limit_latency(2.0)
    hand.settled()
    assert digits.notices.shown == ()


def test_names_are_no_markup(digits: MainWindow, hand: Hand, tmp_path: Path) -> None:
    text = BOARD_TOML.replace("My board", "<b>My</b> & <i>yours</i>")
    path = str(written(tmp_path, "mine.toml", text))
    hand.drop(Path(path))
    row = digits.budget.rows[path]
    assert row.row.name == "<b>My</b> & <i>yours</i>"
    digits.session.finish(digits.session.open_application("", 0, 131_072))
    hand.settled()
    advice = digits.budget.advice.title
    assert "fit <b>My</b>" in advice.text()
    assert advice.textFormat() is Qt.TextFormat.PlainText
    assert "&lt;b&gt;My&lt;/b&gt; &amp; " in row.toolTip()


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes are Linux's")
def test_a_name_that_settings_cannot_keep_is_not_remembered(
    digits: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    digits.own.add(str(written(tmp_path, "mine.toml", BOARD_TOML)))
    settled()
    kept = digits.own.files
    digits.own.add(str(written(tmp_path, os.fsdecode(b"x\xff.toml"), BOARD_TOML)))
    settled()
    for most_ms in (1.0, 2.0, 3.0):
        digits.session.settle()
        digits.session.limit_latency(most_ms)
    settled()
    assert digits.session.state.project.board.endswith("x\udcff.toml")
    assert digits.own.files == kept


def test_files_that_changed_meanwhile_are_read_when_the_window_is_used_again(
    digits: MainWindow, hand: Hand, tmp_path: Path
) -> None:
    path, app = written(tmp_path, "mine.toml", BOARD_TOML), written(tmp_path, "app.map", MAP)
    hand.drop(path)
    hand.drop(app)
    digits.show_code()
    hand.settled()
    assert digits.session.state.current_code
    row = digits.budget.rows[str(path)]
    before = row.row
    other = QWidget()
    other.show()
    other.activateWindow()
    assert QTest.qWaitForWindowActive(other)
    written(tmp_path, "mine.toml", BOARD_TOML.replace("1_048_576", "524_288"))
    written(tmp_path, "app.map", MAP.replace("0x9000\n", "0xa000\n"))
    other.close()
    hand.hold()
    hand.settled()
    assert row.row.application[0] == 0xA040 / 524_288 > before.application[0]
    assert not digits.session.state.current_code
    assert row.row.name == before.name


def test_enter_saves_a_described_board_and_removes_a_region(
    digits: MainWindow, hand: Hand, form: DescribeBoard, tmp_path: Path
) -> None:
    for field, text in ((form.name, "My board"), (form.mcu, "My part")):
        type_into(field, text)
    QTest.keyClick(form.mcu, Key.Key_Return)
    assert form.isVisible() and QApplication.activeModalWidget() is form
    form.more.setFocus()
    QTest.keyClick(form.more, Key.Key_Return)
    form.rows[2].remove.setFocus()
    QTest.keyClick(form.rows[2].remove, Key.Key_Return)
    assert len(form.rows) == 2
    for row in form.rows:
        type_into(row.length, "64K")
    hand.answer(tmp_path / "mine.toml")
    QTest.keyClick(form.rows[0].length, Key.Key_Return)
    hand.settled()
    assert digits.session.state.project.board == str(tmp_path / "mine.toml")
