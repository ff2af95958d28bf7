import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from studio.boards import virtual
from studio.boards.flashers.flasher import flasher_for, flashers
from studio.boards.link import Link
from studio.errors import BoardError
from studio.job import finish
from studio.targets.library import profile
from tests.build import tiny_model

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import pickle, sys, time
from studio.boards.virtual import start
profile, image = pickle.load(open(sys.argv[1], "rb"))
board = start(profile, image)
print(board.process.pid, flush=True)
time.sleep(60)
"""


def gone(pid: int, within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.needs_qemu
def test_a_board_behind_a_tcp_socket_answers_as_well(image):
    board = profile("virtual/mps2-an386")
    with virtual.start(board, image(board.id), transport="tcp") as running:
        assert running.port.startswith("socket://127.0.0.1:")
        x = np.arange(tiny_model.N).astype(np.int8)
        for _ in range(2):  # the port can be opened again
            with Link(running.port) as link:
                np.testing.assert_array_equal(link.infer([x])[0], tiny_model.expected(x))


def test_closing_ends_the_process_and_a_second_time_does_nothing(running):
    assert running.alive
    running.close()
    assert gone(running.process.pid)
    assert not running.alive
    running.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this system")
@pytest.mark.needs_qemu
@pytest.mark.parametrize("board", ["virtual/host", "virtual/mps2-an386"])
def test_a_board_does_not_outlive_a_killed_parent(tmp_path, image, board):
    import pickle

    recipe = tmp_path / "start.pickle"
    recipe.write_bytes(pickle.dumps((profile(board), image(board))))
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(recipe)], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        pid = int(parent.stdout.readline())
        assert not gone(pid, within_s=0.1)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(pid)


def test_a_killed_board_is_named_at_once(running):
    with Link(running.port) as link:
        assert link.info.model == "tiny"
        running.process.kill()
        running.process.wait()
        start = time.monotonic()
        with pytest.raises(BoardError) as caught:
            link.infer([np.zeros(tiny_model.N, np.int8)])
        assert time.monotonic() - start < 10
        assert caught.value.where == running.port
        assert caught.value.hint


def test_missing_qemu_is_named_with_what_to_do(image, monkeypatch):
    board = profile("virtual/mps2-an386")
    built = image(board.id)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BoardError, match="not installed") as caught:
        virtual.start(board, built)
    assert "virtual/host" in caught.value.hint


@pytest.mark.needs_qemu
def test_an_image_that_does_not_run_is_named_within_ten_seconds(image, tmp_path):
    import dataclasses

    board = profile("virtual/mps2-an386")
    wrong = tmp_path / "wrong.elf"
    wrong.write_bytes(b"no image")
    start = time.monotonic()
    with pytest.raises(BoardError):
        virtual.start(board, dataclasses.replace(image(board.id), elf=wrong))
    assert time.monotonic() - start < 10


def test_a_plan_says_what_will_happen_and_starts_nothing(image):
    board = profile("virtual/host")
    built = image(board.id)
    plan = flashers()["virtual"].plan(board, built)
    assert built.digest in " ".join(plan.steps)
    assert flasher_for(board).find(board) == ()


def test_an_image_for_another_board_is_refused(image):
    with pytest.raises(BoardError, match="built for virtual/host"):
        flasher_for(profile("virtual/host")).plan(
            profile("virtual/mps2-an386"), image("virtual/host")
        )


def test_a_board_that_runs_another_model_is_not_taken_for_flashed(image):
    import dataclasses

    board = profile("virtual/host")
    flasher = flasher_for(board)
    other = dataclasses.replace(image(board.id), digest="0" * 16)
    with pytest.raises(BoardError, match="runs tiny") as caught:
        finish(flasher.flash(flasher.plan(board, other)))
    assert caught.value.hint == "flash it again"


def test_a_cancelled_flash_leaves_no_board_running(image):
    board = profile("virtual/host")
    flasher = flasher_for(board)
    job = flasher.flash(flasher.plan(board, image(board.id)))
    next(job)
    next(job)
    running = job.gi_frame.f_locals["running"]
    job.close()
    assert gone(running.process.pid)


def test_a_real_board_has_no_flasher_that_would_pretend():
    with pytest.raises(BoardError, match="cannot be flashed"):
        flasher_for(profile("nucleo_f401re"))
