"""A window that trains, builds, flashes and streams at once: how long its thread was held up.

Run as a program of its own, since what others left in memory is none of the window's. Prints a
JSON object with the figures of `Watchdog.figures`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QObject, QSettings, Qt, QTimer

from studio.gui.application import application
from studio.gui.main_window import MainWindow
from studio.gui.tasks import Task
from studio.session import Session

TICK_MS = 2
CHECK_MS = 20
TIMEOUT_S = 120.0


class Watchdog(QObject):
    """How long the window's thread did not come back to its events, in milliseconds.

    Attributes:
        clock_ms: by the clock.
        blocked_ms: without what the thread stood ready while the processor was with others, where
            the system says so: that is what other programs cost.
        own_ms: the processor time that the thread took meanwhile.
        running: how many other processes and threads of the machine wanted the processor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock_ms: list[float] = []
        self.blocked_ms: list[float] = []
        self.own_ms: list[float] = []
        self.running: list[int] = []
        self._last = now_ms()
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._tick)
        self.timer.start(TICK_MS)

    def _tick(self) -> None:
        last, self._last = self._last, now_ms()
        clock, ready, own = (new - old for new, old in zip(self._last, last, strict=True))
        self.clock_ms.append(clock - TICK_MS)
        self.blocked_ms.append(clock - TICK_MS - ready)
        self.own_ms.append(own)
        if len(self.own_ms) % 50 == 1:
            self.running.append(others_running())

    def figures(self) -> dict[str, Any]:
        """The 99th percentile and the longest of each, and how many ran beside it."""
        found: dict[str, Any] = {
            "ticks": len(self.own_ms), "others": statistics.median(self.running)
        }  # fmt: skip
        for name in ("clock_ms", "blocked_ms", "own_ms"):
            ordered = sorted(getattr(self, name))
            found[name] = [round(ordered[int(0.99 * len(ordered))], 1), round(ordered[-1], 1)]
        return found


def now_ms() -> tuple[float, float, float]:
    """The clock, how long this thread was ready to run and did not, and what it has taken."""
    try:
        ready_ms = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6
    except OSError:
        ready_ms = 0.0
    return time.perf_counter() * 1e3, ready_ms, time.thread_time() * 1e3


def others_running() -> int:
    """Runnable processes and threads beside this one; 0 where the system does not say."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1
    except OSError:
        return 0


def busy_until(done: Callable[[], bool]) -> None:
    """Run the events until `done`, as the program does."""
    loop, check, end = QEventLoop(), QTimer(), time.monotonic() + TIMEOUT_S
    check.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
    check.start(CHECK_MS)
    loop.exec()
    check.stop()
    assert time.monotonic() < end


def begin(window: MainWindow, title: str, job: Generator[Any, None, Any]) -> Task:
    """A job beside the one in the foreground; its progress is shown, what it fails with kept."""
    task = Task(title, job)
    task.progressed.connect(window._progressed)
    for signal in (task.failed, task.crashed):
        signal.connect(lambda error: setattr(task, "error", error))
    return window.tasks.start(task)


def ended(task: Task) -> bool:
    """Whether it is over; it must not have failed."""
    assert not hasattr(task, "error"), task.error
    return task.over


def prepare(window: MainWindow) -> Session:
    """Digits with a step that trains, on the host as a board; a session for a second board.

    A window has one job in the foreground: the second session is what builds and flashes.
    """
    session = window.session
    session.finish(session.open("example:digits"))
    session.choose_board("virtual/host")
    session.add_step("qat", "fold")
    session.tune("qat", {"epochs": 1})
    session.select("int8")
    busy_until(lambda: window.idle)
    window.flash()
    busy_until(lambda: window.idle)
    assert session.state.deployed
    other = Session()
    other.take(lambda _: replace(session.state, deployment=None))
    if shutil.which("qemu-system-arm"):
        other.choose_board("virtual/mps2-an386")
    return other


def all_at_once(window: MainWindow, other: Session) -> Watchdog:
    """Stream, train, build and flash at once, and edit every second."""
    window.live_panel.rate.setValue(50.0)
    window.live()
    watchdog = Watchdog()
    training = begin(window, "Run", window.session.run("qat"))
    flashing = begin(window, "Flash", other.deploy())
    edited, together = time.monotonic(), 0

    def done() -> bool:
        nonlocal edited, together
        over = ended(training), ended(flashing)
        together += not any(over)
        if time.monotonic() > edited + 1.0:
            edited = time.monotonic()
            window.session.rename("fold", f"At {edited}")
        return all(over)

    busy_until(done)
    watchdog.timer.stop()
    assert together > 20, "they did not run at once"
    assert window.live_panel.answered > 10
    window.cancel()
    busy_until(lambda: window.idle)
    return watchdog


def main(folder: Path) -> None:
    """Measure, with a cache of its own, so that there is something to compile."""
    os.environ["STUDIO_CACHE"] = str(folder / "cache")
    qt = application(["tinyml-studio"])
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Session(), settings, folder / "unsaved")
    window.show()
    other = prepare(window)
    watchdog = all_at_once(window, other)
    window.close()
    other.close()
    qt.processEvents()
    sys.stdout.write(json.dumps(watchdog.figures()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
