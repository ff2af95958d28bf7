"""A task drives a job in a thread and says how it ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.errors import BuildError
from studio.gui.tasks import Task, Tasks
from studio.job import Job, Progress


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    owner = QObject()
    made = Tasks(owner)
    yield made
    made.stop()


def counting(n: int) -> Job[int]:
    for index in range(n):
        yield Progress(f"{index}", index / n)
    return n


def test_progress_and_result_arrive_in_order(tasks: Tasks, qtbot: QtBot) -> None:
    task, seen = Task("Count", counting(3)), []
    task.progressed.connect(lambda progress: seen.append(progress.text))
    task.succeeded.connect(seen.append)
    with qtbot.waitSignal(task.ended):
        tasks.start(task)
    assert seen == ["0", "1", "2", 3]
    qtbot.waitUntil(lambda: not tasks.running)


def test_an_error_of_the_tree_is_reported_as_such(tasks: Tasks, qtbot: QtBot) -> None:
    def failing() -> Job[None]:
        yield Progress("about to fail")
        raise BuildError("no compiler", "zig", "install it")

    task = Task("Fail", failing())
    with qtbot.waitSignal(task.failed) as failed:
        tasks.start(task)
    [error] = failed.args
    assert error.hint == "install it"


def test_cancelling_closes_the_job_in_its_thread(tasks: Tasks, qtbot: QtBot) -> None:
    closed_in: list[str] = []

    def endless() -> Job[None]:
        try:
            while True:
                yield Progress("still here")
        finally:
            closed_in.append(threading.current_thread().name)

    task, seen = Task("Endless", endless()), []
    task.succeeded.connect(seen.append)
    task.failed.connect(seen.append)
    with qtbot.waitSignal(task.progressed):
        tasks.start(task)
    with qtbot.waitSignal(task.ended):
        task.cancel()
    assert len(closed_in) == 1
    assert closed_in != [threading.main_thread().name]
    assert not seen


def test_a_sink_takes_what_the_job_yields_in_the_job_s_thread(tasks: Tasks, qtbot: QtBot) -> None:
    seen: list[int] = []
    task = Task("Count", counting(5), sink=lambda progress: seen.append(threading.get_ident()))
    with qtbot.waitSignal(task.succeeded):
        tasks.start(task)
    assert len(seen) == 5
    assert threading.get_ident() not in seen


def test_threads_are_used_again(tasks: Tasks, qtbot: QtBot) -> None:
    """Starting one keeps the window's thread until it runs."""
    seen: set[int] = set()
    for _ in range(20):
        task = Task("Count", counting(1), sink=lambda _: seen.add(threading.get_ident()))
        with qtbot.waitSignal(task.ended):
            tasks.start(task)
        qtbot.wait(2)
    assert len(seen) < 10
