"""Changes that were not saved are kept beside the settings, and offered at the next start."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from studio.errors import ProjectError
from studio.project import SUFFIX, Project, write_project
from studio.session.state import State

KEPT = 5
"""Copies of one model that are kept; the oldest go first."""
POLL_MS = 20


class Autosave(QObject):
    """Writes the project right after an edit; saving it removes the copy.

    Windows on one model have copies of their own: each holds a lock on what it writes, which ends
    with its process, however that ends. A copy that no window holds is offered, never written over.

    A disk may take a tenth of a second, so that another thread writes; an edit waits until the
    one before it is written, so that never more than the last one can be lost.

    Args:
        folder: where the copies are.
        parent: whose life it shares.

    Signals:
        failed: with a ProjectError, at the first copy that cannot be written.
        mended: copies can be written again.
    """

    failed = Signal(object)
    mended = Signal()

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._fails = False
        self._state = State()
        self._held: dict[Path, QLockFile] = {}
        self._writer = ThreadPoolExecutor(1, "autosave")
        self._writing: Future[None] | None = None
        self._wanted: deque[tuple[Project, Path]] = deque(maxlen=1)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look)

    def owns(self, name: str) -> bool:
        """Whether a file is one of the copies."""
        return Path(name).parent == self._folder

    def files(self) -> list[Path]:
        """The copies that no window works on, newest first."""
        return [path for path in self._all(f"*{SUFFIX}") if self._is_free(path)]

    def claim(self, path: Path) -> None:
        """Go on with a copy that was left: what it is restored to is kept in the same file."""
        with contextlib.suppress(OSError):  # the first edit says that none can be kept
            self._hold(path)

    def follow(self, state: State) -> None:
        """Take notice of a change."""
        before, self._state = self._state, state
        if state.history.past is not before.history.past:  # a gesture going on is one edit
            self.wait()
        if state.unsaved and state.model is not None and state.project is not before.project:
            self._begin(state)
        elif before.unsaved and not state.unsaved:
            self._drop(state)

    def _begin(self, state: State) -> None:
        """Have it written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            copy = self._copy(state)
        except OSError as error:
            self._report(ProjectError(f"cannot be written: {error.strerror or error}"))
            return
        self._wanted.append((state.project, copy))
        self._writing = self._writer.submit(self._write)
        self._timer.start()

    def _write(self) -> None:
        """Write what is wanted by now, in the writer's thread."""
        with contextlib.suppress(IndexError):  # it is written already
            write_project(*self._wanted.popleft())

    def _look(self) -> None:
        """Say how the last copy went as soon as that is known."""
        if self._writing is None or self._writing.done():
            self.wait()

    def wait(self) -> None:
        """Until what was begun is written; a full or read-only disk costs the copy, no more."""
        self._timer.stop()
        writing, self._writing = self._writing, None
        if writing is not None:
            try:
                writing.result()
            except ProjectError as error:
                self._report(error)
            else:
                self._report(None)

    def _report(self, error: ProjectError | None) -> None:
        """Say that copies fail or work again, not that they go on to do so."""
        fails = error is not None
        if fails is self._fails:
            return
        self._fails = fails
        if error is None:
            self.mended.emit()
        else:
            what = f"changes are not kept for the case of a crash: the copy {error.what}"
            hint = "save the project, and give this folder room or the right to write"
            self.failed.emit(ProjectError(what, str(self._folder), hint))

    def close(self) -> None:
        """Leave what is not saved yet to the next window."""
        self.wait()
        self._writer.shutdown()
        for lock in self._held.values():
            lock.unlock()
        self._held = {}

    def _copy(self, state: State) -> Path:
        """This window's copy of what it works on."""
        stem = _stem(state)
        mine = next((path for path in self._held if path.name.startswith(stem)), None)
        if mine is not None:
            return mine
        others = [path for path in self._all(f"{stem}*{SUFFIX}") if self._is_free(path)]
        for old in others[KEPT - 1 :]:
            old.unlink(missing_ok=True)
        names = (self._folder / f"{stem}{number}{SUFFIX}" for number in count(1))
        return next(path for path in names if not path.exists() and self._hold(path))

    def _drop(self, state: State) -> None:
        """What was saved needs no copy."""
        self.wait()
        for path in [path for path in self._held if path.name.startswith(_stem(state))]:
            with contextlib.suppress(OSError):  # offered once more: rather that than a crash
                path.unlink(missing_ok=True)
            self._held.pop(path).unlock()

    def _all(self, pattern: str) -> list[Path]:
        return sorted(self._folder.glob(pattern), key=_written_ns, reverse=True)

    def _hold(self, path: Path) -> bool:
        """Take a file for this window; False where another one has it.

        Raises:
            OSError: no lock can be made, on a full or read-only disk.
        """
        lock = _lock(path)
        if not lock.tryLock(0):
            if lock.error() != QLockFile.LockError.LockFailedError:
                raise OSError(f"no lock for {path}: {lock.error().name}")
            return False
        self._held[path] = lock
        return True

    def _is_free(self, path: Path) -> bool:
        lock = _lock(path)
        if path in self._held or not lock.tryLock(0):
            return False
        lock.unlock()
        return True


def _lock(path: Path) -> QLockFile:
    lock = QLockFile(f"{path}.lock")
    lock.setStaleLockTime(0)  # by the process's end only, not by age
    return lock


def _written_ns(path: Path) -> int:
    """When a copy was written; 0 where another window has just removed it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _stem(state: State) -> str:
    # Models of one name in different folders are different work.
    place = hashlib.sha256(os.fsencode(state.project.model)).hexdigest()[:8]
    return f"{state.project.name}-{place}-"
