"""The project's file is written by a thread: a disk may take its time, the window goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from studio.errors import StudioError
from studio.job import Job, finish
from studio.session.state import Update

POLL_MS = 5


class Saving(QObject):
    """Writes what was saved in the order in which that was asked for; nothing is left out.

    Args:
        take: takes in what a job of saving returns.
        parent: whose life it shares.

    Signals:
        saved: a path that was written.
        failed: with the error.
    """

    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, take: Callable[[Update], None], parent: QObject) -> None:
        super().__init__(parent)
        self._take = take
        self._writer = ThreadPoolExecutor(1, "saving")
        self._begun: deque[tuple[Path, Future[Update]]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._begun)

    def begin(self, path: Path, job: Job[Update]) -> None:
        """Have `job` write `path`."""
        self._begun.append((path, self._writer.submit(finish, job)))
        self._timer.start()

    def close(self) -> bool:
        """Until everything is written; False, and open still, where something could not be."""
        wait(written for _, written in self._begun)
        fine = not any(written.exception() for _, written in self._begun)
        self._look()
        if fine:
            self._writer.shutdown()
        return fine

    def _look(self) -> None:
        """Take in what is written by now."""
        while self._begun and self._begun[0][1].done():
            path, written = self._begun.popleft()
            try:
                self._take(written.result())
            except StudioError as error:
                self.failed.emit(error)
            else:
                self.saved.emit(path)
        if not self._begun:
            self._timer.stop()
