"""The session: one signal, jobs without threads, late answers dropped; no window anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BoardError, DataError, ModelError, ProjectError, RecipeError
from studio.model.evaluate import infer
from studio.project import ROOT
from studio.session import Session, State


@pytest.fixture(scope="module")
def opened() -> State:
    session = Session()
    session.finish(session.open("example:digits"))
    session.finish(session.run())
    session.finish(session.analyse())
    return session.state


@pytest.fixture
def session(opened: State) -> Session:
    """A session on digits, run once for the whole module."""
    made = Session()
    made.take(lambda _: opened)
    return made


def test_an_example_opens_with_data_and_recipe(session: Session) -> None:
    state = session.state
    assert state.project.model == "example:digits"
    assert state.dataset is not None
    assert state.selected == "int8"
    assert not state.unsaved


def test_running_measures_every_node(session: Session) -> None:
    results = [session.state.result(node) for node in (ROOT, "fold", "int8")]
    accuracies = [result.evaluation.accuracy for result in results if result and result.evaluation]
    assert len(accuracies) == 3
    assert min(accuracies) > 0.95


def test_quantising_makes_the_budget_smaller(session: Session) -> None:
    views, board = session.state.views, session.state.project.board
    flash = [views[node].budgets[board].flash_bytes.value for node in (ROOT, "fold", "int8")]
    assert flash == sorted(flash, reverse=True)
    assert flash[2] < flash[1]


def test_the_one_signal_carries_before_and_after(session: Session) -> None:
    seen: list[tuple[State, State]] = []
    session.on_change(lambda old, new: seen.append((old, new)))
    before = session.state
    session.mute("int8")
    [(old, new)] = seen
    assert old is before
    assert new is session.state
    assert new.project is not old.project
    assert new.views is old.views


def test_undo_puts_the_project_back(session: Session) -> None:
    before = session.state.project
    session.add_step("quantize_int8", ROOT)
    session.rename("quantize_int8", "Other way")
    session.undo()
    session.undo()
    assert session.state.project is before
    session.redo()
    assert session.state.selected in {ROOT, *session.state.project.recipe.by_id}


def test_a_late_analysis_is_dropped(session: Session) -> None:
    job = session.analyse()
    next(job)
    session.mute("int8")
    after = session.state
    session.finish(job)
    assert session.state is after


def test_results_come_back_with_undo(session: Session) -> None:
    measured = session.state.result("int8")
    assert measured is not None
    session.tune("int8", {"samples": 32})
    assert session.state.result("int8") is None
    assert session.state.result("fold") is not None
    session.undo()
    assert session.state.result("int8") is measured


def test_tuning_keeps_only_what_differs_from_the_defaults(session: Session) -> None:
    session.tune("int8", {"samples": 32, "per_channel": True})
    assert dict(session.state.project.recipe.by_id["int8"].params) == {"samples": 32}


def test_a_refused_value_changes_nothing(session: Session) -> None:
    before = session.state
    with pytest.raises(RecipeError):
        session.tune("int8", {"samples": -1})
    assert session.state is before


def test_the_selected_board_stays_among_the_compared_ones(session: Session) -> None:
    session.choose_boards(("rpi_pico", "virtual/host"))
    assert session.state.project.board == "rpi_pico"
    session.choose_boards(())
    assert session.state.project.boards == ("rpi_pico",)


def test_choices_are_checked(session: Session) -> None:
    session.choose(rounding="double", toolchain="gcc")
    assert session.state.project.options.rounding == "double"
    with pytest.raises(ProjectError):
        session.choose(plan="fastest")


def test_what_cannot_be_opened_leaves_the_session_as_it_is(
    session: Session, tmp_path: Path
) -> None:
    before = session.state
    with pytest.raises(ModelError):
        session.finish(session.open(str(tmp_path / "none.onnx")))
    (tmp_path / "bad.tinyml").write_text("version = 9", encoding="utf-8")
    with pytest.raises(ProjectError):
        session.finish(session.open(str(tmp_path / "bad.tinyml")))
    with pytest.raises(DataError):
        session.finish(session.open_data(str(tmp_path / "none.npz")))
    assert session.state is before


def test_undo_brings_back_the_data_too(session: Session, tmp_path: Path) -> None:
    old, measured = session.state.dataset, session.state.result("int8")
    assert old is not None and old.y is not None
    np.savez(tmp_path / "few.npz", x=old.x[:64], y=old.y[:64])
    session.finish(session.open_data(str(tmp_path / "few.npz")))
    assert session.state.dataset is not None
    assert len(session.state.dataset) == 64
    assert session.state.result("int8") is None
    session.undo()
    assert session.state.dataset is old
    assert session.state.result("int8") is measured


def test_the_model_of_a_node_can_be_saved(session: Session, tmp_path: Path) -> None:
    session.finish(session.save_model(tmp_path / "int8.onnx"))
    again = Session()
    again.finish(again.open(str(tmp_path / "int8.onnx")))
    assert again.state.model is not None
    assert again.state.model.quantized


def test_generated_code_is_shown_only_for_what_it_was_made_of(session: Session) -> None:
    session.finish(session.code())
    session.finish(session.analyse())
    assert "digits.c" in session.state.current_code
    session.select("fold")
    assert not session.state.current_code


def test_data_of_another_shape_are_refused(session: Session) -> None:
    with pytest.raises(DataError):
        session.finish(session.open_data("example:motion"))


def test_a_saved_project_opens_as_it_was(session: Session, tmp_path: Path) -> None:
    session.mute("fold")
    with pytest.raises(ProjectError, match="no file yet"):
        session.save()
    path = session.save(tmp_path / "mine")
    written = path.read_bytes()
    assert path.suffix == ".tinyml"
    assert not session.state.unsaved
    again = Session()
    again.finish(again.open(str(path)))
    assert again.state.project == session.state.project
    assert again.state.path == path
    again.save()
    assert path.read_bytes() == written


def test_two_exports_are_the_same_bytes(session: Session, tmp_path: Path) -> None:
    for name in ("a", "b"):
        session.finish(session.generate(tmp_path / name))
    files = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert Path("digits.c") in files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert dict(session.state.code)["digits.c"] == (tmp_path / "a" / "digits.c").read_bytes()


def test_the_export_is_that_of_the_command_line(session: Session, tmp_path: Path) -> None:
    from studio import cli

    model = tmp_path / "digits.onnx"
    session.finish(session.save_model(model))
    session.finish(session.generate(tmp_path / "window"))
    board = session.state.project.board
    assert cli.main(["generate", str(model), "--board", board, "-o", str(tmp_path / "line")]) == 0
    made = {p.relative_to(tmp_path / "line") for p in (tmp_path / "line").rglob("*.*")}
    assert {Path(path) for path in session.state.code} <= made
    for path, content in session.state.code.items():
        assert (tmp_path / "line" / path).read_bytes() == content, path


def test_live_needs_a_board(session: Session) -> None:
    with pytest.raises(BoardError, match="flash it first"):
        next(session.live(lambda: 100.0))


def test_the_way_to_a_board_ends_live_on_it(session: Session) -> None:
    session.choose_board("virtual/host")
    try:
        session.finish(session.deploy())
        deployed = session.state.deployment
        assert deployed is not None
        stations = {station.title: station for station in deployed.stations}
        assert list(stations) == ["Build", "Flash", "Verify", "Time"]
        assert stations["Verify"].text == "identical"
        readings = session.live(lambda: 1000.0)
        answers = [next(readings) for _ in range(20)]
        readings.close()
        assert sum(r.scores.argmax() == r.truth for r in answers) >= 18
        assert all(abs(float(r.scores.sum()) - 1) < 0.05 for r in answers)
        running = deployed.running
    finally:
        session.close()
    assert not running.alive
    assert session.state.deployment is None


def test_a_streaming_net_is_fed_live_in_hops(session: Session) -> None:
    """The board answers each window as onnxruntime does, hop by hop from fresh state."""
    session.choose_board("virtual/host")
    session.add_step("stream_time", "int8")
    try:
        session.finish(session.deploy())
        state = session.state
        result, data = state.result(state.selected), state.dataset
        assert result is not None and result.model is not None and data is not None
        assert result.model.states and result.model.inputs[0].shape == (1, 1, 2, 8)
        readings = session.live(lambda: 1000.0)
        answers = [next(readings) for _ in range(5)]
        readings.close()
        shown = np.random.default_rng(0).permutation(len(data.test))[:5]
        wanted = infer(result.model, data.test.x[shown])[0].argmax(axis=1)
        assert [r.scores.argmax() for r in answers] == wanted.tolist()
        assert all(r.signal.shape == (1, 64) for r in answers)
    finally:
        session.close()


def test_a_board_at_a_port_is_compared_as_it_is(session: Session) -> None:
    """The port of a virtual board stands for that of a real one, which was flashed elsewhere."""
    session.choose_board("virtual/host")
    other = Session()
    try:
        session.finish(session.deploy())
        deployed = session.state.deployment
        assert deployed is not None
        port = deployed.running.port
        other.take(lambda _: replace(session.state, deployment=None))
        other.choose_board("rpi_pico")
        other.finish(other.deploy(port))
        found = other.state.deployment
        assert found is not None and found.running.port == port
        assert [(s.title, s.state) for s in found.stations] == [
            ("Flash", "done"), ("Verify", "done"), ("Time", "done")
        ]  # fmt: skip
        assert port in found.stations[0].text
        assert next(other.live(lambda: 1000.0)).board == "rpi_pico"
        other.select("fold")
        with pytest.raises(BoardError, match="runs"):  # another model than the selected one
            other.finish(other.deploy(port))
        other.close()
        assert deployed.running.alive
    finally:
        other.close()
        session.close()


def test_rows_of_the_input_are_streamed_where_that_saves_memory(tmp_path: Path) -> None:
    from tests import nets

    (tmp_path / "net.onnx").write_bytes(nets.ds_cnn().to_bytes())
    session = Session()
    session.finish(session.open(str(tmp_path / "net.onnx")))
    session.choose(plan="small")
    session.finish(session.analyse())
    whole = session.state.view.program
    session.choose(input="rows")
    session.finish(session.analyse())
    streamed = session.state.view.program
    assert whole is not None and streamed is not None
    assert 0 < streamed.inputs[0].rows < streamed.inputs[0].shape[0]
    assert streamed.arena_bytes < whole.arena_bytes
    session.choose(plan="fast")
    assert session.state.project.input == "whole"


def test_dragging_the_latency_limit_is_one_step_of_undo(session: Session) -> None:
    before = session.state.project
    for most_ms in (10.0, 20.0, 30.0):
        session.limit_latency(most_ms)
    assert session.state.project.latency_limit_ms == 30.0
    session.undo()
    assert session.state.project is before


def test_it_needs_neither_qt_nor_heavy_packages_until_a_model_opens() -> None:
    code = "import sys, studio.session as s; s.Session(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"PySide6", "pyqtgraph", "torch", "onnx", "onnx_ir", "onnxruntime"}


def test_a_board_whose_file_is_edited_is_budgeted_anew(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    described = (
        'name = "Mine"\nmcu = "ABC"\ncore = "cortex-m4f"\n'
        '[[memory]]\nname = "flash"\nkind = "flash"\naddress = 0\nsize_bytes = 1_048_576\n'
        '[[memory]]\nname = "ram"\nkind = "ram"\naddress = 0x20000000\nsize_bytes = {}\n'
    )
    path.write_text(described.format("65_536"), "utf-8")
    session.choose_board(str(path))
    session.finish(session.analyse())
    assert session.state.views["int8"].budgets[str(path)].fits
    path.write_text(described.format("1_024"), "utf-8")
    os.utime(path, ns=(1, 1))  # clocks of file systems are coarse
    session.finish(session.analyse())
    assert session.state.views["int8"].budgets[str(path)].over_ram_bytes > 0


def test_a_project_in_capitals_is_saved_and_opened_under_its_name(
    session: Session, tmp_path: Path
) -> None:
    path = session.save(tmp_path / "MINE.TINYML")
    assert path.name == "MINE.TINYML"
    again = Session()
    again.finish(again.open(str(path)))
    assert again.state.project == session.state.project
