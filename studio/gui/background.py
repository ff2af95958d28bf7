"""Jobs that keep figures up to date behind the user's back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from studio.gui.tasks import Task, Tasks
from studio.job import Job
from studio.session.state import Update


class Background(QObject):
    """One kind of job: at most one at a time, always asked again for the newest state.

    Signals:
        succeeded: an answer was taken in.
        failed, crashed: with the error, as of a Task.

    Args:
        title: for people.
        job: makes the job for the state of that moment.
        take: takes its answer in.
        tasks: the window's.
    """

    succeeded = Signal()
    failed = Signal(object)
    crashed = Signal(object)

    def __init__(
        self, title: str, job: Callable[[], Job[Update]], take: Callable[[Update], None],
        tasks: Tasks,
    ) -> None:  # fmt: skip
        super().__init__(tasks)
        self.title = title
        self._job, self._take, self._tasks = job, take, tasks
        self._task: Task | None = None
        self._stale = False

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._task is not None

    def ask(self) -> None:
        """Compute anew, now or as soon as the present job has ended."""
        if self._task is not None:
            self._stale = True
            return
        self._stale = False
        task = Task(self.title, self._job())
        task.succeeded.connect(self._succeeded)
        task.failed.connect(self.failed)
        task.crashed.connect(self.crashed)
        task.ended.connect(self._ended)
        self._task = self._tasks.start(task)

    def _succeeded(self, update: Update) -> None:
        self._take(update)
        self.succeeded.emit()

    def _ended(self) -> None:
        self._task = None
        if self._stale:
            self.ask()
