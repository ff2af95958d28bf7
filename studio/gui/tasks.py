"""Jobs in threads: progress, result and failure arrive as Qt signals; cancelling is polite.

The threads never touch Qt: they leave what they have in Python queues, and a timer in the
window's thread fetches it. Emitting a signal with a Python object from another thread while
somebody connects or disconnects crashes PySide6 now and then.
"""

from __future__ import annotations

import collections
import sys
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.errors import StudioError

POLL_MS = 5
PROGRESS_KEPT = 1000
SWITCH_S = 0.001
"""After how long a thread hands Python over: the window asks for it hundreds of times a frame."""


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
        self._job = job
        self._progress: collections.deque[Any] = collections.deque(maxlen=PROGRESS_KEPT)
        self._sink = sink or self._progress.append
        self._stop = threading.Event()
        self._answer: Callable[[], object] | None = None
        self.thread_ = threading.Thread(target=self._drive, name=title, daemon=True)

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """End at the next yield; what is done by then is done, and an error is not shown."""
        self._stop.set()

    def deliver(self) -> bool:
        """Emit what has come; True when that was the last."""
        over = not self.thread_.is_alive()  # asked first: what comes after it is fetched too
        for _ in range(len(self._progress)):
            self.progressed.emit(self._progress.popleft())
        if over:
            if self._answer is not None:
                self._answer()
            self.ended.emit()
        return over

    def _drive(self) -> None:
        try:
            self._answer = self._finish()
        except StudioError as error:
            if not self.cancelled:
                self._answer = partial(self.failed.emit, error)
        except Exception as error:  # noqa: BLE001 - a thread's border: the window shows it as a crash
            self._answer = partial(self.crashed.emit, error)

    def _finish(self) -> Callable[[], object] | None:
        try:
            while not self.cancelled:
                self._sink(next(self._job))
        except StopIteration as end:
            return partial(self.succeeded.emit, end.value)
        finally:
            self._job.close()
        return None


class Tasks(QObject):
    """The tasks of a window; holds each until it has ended."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        sys.setswitchinterval(SWITCH_S)
        self._running: list[Task] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._deliver)

    @property
    def running(self) -> tuple[Task, ...]:
        """Tasks that have not ended, oldest first."""
        return tuple(self._running)

    def start(self, task: Task) -> Task:
        """Drive `task` in a thread of its own."""
        self._running.append(task)
        task.thread_.start()
        self._timer.start()
        return task

    def stop(self, timeout_s: float = 5.0) -> None:
        """Cancel everything and wait for the threads."""
        self._timer.stop()
        end = time.monotonic() + timeout_s
        for task in self._running:
            task.cancel()
        for task in self._running:
            task.thread_.join(max(0.0, end - time.monotonic()))

    def _deliver(self) -> None:
        for task in self.running:
            if task.deliver():
                self._running.remove(task)
        if not self._running:
            self._timer.stop()
