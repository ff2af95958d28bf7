"""Changes that were not saved are kept beside the settings, and offered at the next start."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject

from studio.errors import ProjectError
from studio.project import SUFFIX, Project, write_project
from studio.session.state import State

KEPT = 5
"""Copies of one model that are kept; the oldest go first."""


class Autosave(QObject):
    """Writes the project right after an edit; saving it removes the copy.

    Windows on one model have copies of their own: each holds a lock on what it writes, which ends
    with its process, however that ends. A copy that no window holds is offered, never written over.

    A disk may take a tenth of a second, so that another thread writes; an edit waits until the
    one before it is written, so that never more than the last one can be lost.

    Args:
        folder: where the copies are.
        parent: whose life it shares.
    """

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._state = State()
        self._held: dict[Path, QLockFile] = {}
        self._writer = ThreadPoolExecutor(1, "autosave")
        self._writing: Future[None] | None = None
        self._wanted: deque[tuple[Project, Path]] = deque(maxlen=1)

    def owns(self, name: str) -> bool:
        """Whether a file is one of the copies."""
        return Path(name).parent == self._folder

    def files(self) -> list[Path]:
        """The copies that no window works on, newest first."""
        return [path for path in self._all(f"*{SUFFIX}") if self._is_free(path)]

    def claim(self, path: Path) -> None:
        """Go on with a copy that was left: what it is restored to is kept in the same file."""
        with contextlib.suppress(OSError):  # as in `wait`
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
        with contextlib.suppress(OSError):  # as in `wait`
            self._folder.mkdir(parents=True, exist_ok=True)
            self._wanted.append((state.project, self._copy(state)))
            self._writing = self._writer.submit(self._write)

    def _write(self) -> None:
        """Write what is wanted by now, in the writer's thread."""
        with contextlib.suppress(IndexError):  # it is written already
            write_project(*self._wanted.popleft())

    def wait(self) -> None:
        """Until what was begun is written; a full or read-only disk costs the copy, no more."""
        writing, self._writing = self._writing, None
        if writing is not None:
            with contextlib.suppress(ProjectError):
                writing.result()

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
