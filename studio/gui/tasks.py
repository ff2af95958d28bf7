"""Jobs in threads: progress, result and failure arrive as Qt signals; cancelling is polite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal

from studio.errors import StudioError


class Task(QObject):
    """A generator that is driven in a thread.

    Signals, all delivered in the thread that owns the task:
        progressed: each value that the generator yields, unless `sink` takes them.
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
        self.cancelled = False
        self._job = job
        self._sink = sink or self.progressed.emit
        self._stop = threading.Event()

    def cancel(self) -> None:
        """End at the next yield; what is done by then is done, and an error is not shown."""
        self.cancelled = True
        self._stop.set()

    def drive(self) -> None:
        """Run the job to its end in the calling thread."""
        try:
            self._finish()
        except StudioError as error:
            if not self._stop.is_set():
                self.failed.emit(error)
        except Exception as error:  # noqa: BLE001 - a thread's border: the window shows it as a crash
            self.crashed.emit(error)
        finally:
            self.ended.emit()

    def _finish(self) -> None:
        try:
            while not self._stop.is_set():
                self._sink(next(self._job))
        except StopIteration as end:
            self.succeeded.emit(end.value)
        finally:
            self._job.close()


class Tasks(QObject):
    """The tasks of a window; holds each until it has ended."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._running: list[Task] = []
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(4)

    @property
    def running(self) -> tuple[Task, ...]:
        """Tasks that have not ended, oldest first."""
        return tuple(self._running)

    def start(self, task: Task) -> Task:
        """Drive `task` in a thread of its own."""
        self._running.append(task)
        task.ended.connect(self._forget)
        self._pool.start(task.drive)
        return task

    def stop(self, timeout_ms: int = 5000) -> None:
        """Cancel everything and wait for the threads."""
        for task in self._running:
            task.cancel()
        self._pool.waitForDone(timeout_ms)

    def _forget(self) -> None:
        task = self.sender()
        self._running = [other for other in self._running if other is not task]
