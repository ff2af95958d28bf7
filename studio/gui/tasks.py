"""Jobs in threads: progress, result and failure arrive as Qt signals; cancelling is polite.

The threads never touch Qt: they leave what they have in Python queues, and a timer in the
window's thread fetches it. Emitting a signal with a Python object from another thread while
somebody connects or disconnects crashes PySide6 now and then.
"""

from __future__ import annotations

import collections
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.errors import StudioError

POLL_MS = 5
PROGRESS_KEPT = 1000
SWITCH_S = 0.001
"""After how long a thread hands Python over: the window asks for it hundreds of times a frame."""


class Drive:
    """What a thread knows of a task: nothing of Qt, since it may be the last to let it go.

    Attributes:
        progress: what the job yielded and nobody fetched yet.
        stop: set, it ends the job at its next yield.
        over: set when the job has ended and been closed.
        outcome: name of a task's signal and what to say with it, or None where cancelled.
    """

    def __init__(self, job: Generator[Any, None, Any], sink: Callable[[Any], None] | None) -> None:
        self._job = job
        self.progress: collections.deque[Any] = collections.deque(maxlen=PROGRESS_KEPT)
        self._sink = sink or self.progress.append
        self.stop, self.over = threading.Event(), threading.Event()
        self.outcome: tuple[str, object] | None = None

    def __call__(self) -> None:
        """Drive the job to its end; once, in a thread that has time."""
        try:
            self.outcome = self._finish()
        except StudioError as error:
            if not self.stop.is_set():
                self.outcome = "failed", error
        except Exception as error:  # noqa: BLE001 - a thread's border: the window shows it as a crash
            self.outcome = "crashed", error
        finally:
            self.over.set()

    def _finish(self) -> tuple[str, object] | None:
        try:
            while not self.stop.is_set():
                self._sink(next(self._job))
        except StopIteration as end:
            return "succeeded", end.value
        finally:
            self._job.close()
        return None


class Task(QObject):
    """A generator that is driven in a thread.

    Signals, all delivered in the thread that owns the task:
        progressed: each value that the generator yields, unless `sink` takes them in its thread.
        succeeded: what it returned.
        failed: the StudioError that it raised.
        crashed: any other exception; a bug.
        ended: always the last one.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    crashed = Signal(object)
    ended = Signal()

    def __init__(
        self,
        title: str,
        job: Generator[Any, None, Any],
        sink: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__()
        self.title = title
        self.drive = Drive(job, sink)

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end."""
        return self.drive.stop.is_set()

    @property
    def over(self) -> bool:
        """Whether its job has ended and been closed."""
        return self.drive.over.is_set()

    def cancel(self) -> None:
        """End at the next yield; what is done by then is done, and an error is not shown."""
        self.drive.stop.set()

    def deliver(self) -> bool:
        """Emit what has come; True when that was the last."""
        over, drive = self.over, self.drive  # asked first: what comes after it is fetched too
        for _ in range(len(drive.progress)):
            self.progressed.emit(drive.progress.popleft())
        if over:
            if drive.outcome is not None:
                signal, value = drive.outcome
                getattr(self, signal).emit(value)
            self.ended.emit()
        return over


class Crew:
    """Threads that wait for work: a new one would keep the window's thread until it runs."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._free = threading.Semaphore(0)

    def do(self, work: Callable[[], None]) -> None:
        """Call `work` in a thread that is free, or else in one more."""
        self._work.put(work)
        if not self._free.acquire(blocking=False):
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._work.get()()
            self._free.release()


class Tasks(QObject):
    """The tasks of a window; holds each until it has ended."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        sys.setswitchinterval(SWITCH_S)
        self._running: list[Task] = []
        self._crew = Crew()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._deliver)

    @property
    def running(self) -> tuple[Task, ...]:
        """Tasks that have not ended, oldest first."""
        return tuple(self._running)

    def start(self, task: Task) -> Task:
        """Drive `task` in a thread."""
        self._running.append(task)
        self._crew.do(task.drive)
        self._timer.start()
        return task

    def stop(self, timeout_s: float = 5.0) -> None:
        """Cancel everything and wait for the threads."""
        self._timer.stop()
        end = time.monotonic() + timeout_s
        for task in self._running:
            task.cancel()
        for task in self._running:
            task.drive.over.wait(max(0.0, end - time.monotonic()))

    def _deliver(self) -> None:
        for task in self.running:
            if task.deliver():
                self._running.remove(task)
        if not self._running:
            self._timer.stop()
