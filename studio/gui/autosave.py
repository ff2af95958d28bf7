"""Changes that were not saved are kept beside the settings, and offered at the next start."""

from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer

from studio.errors import ProjectError
from studio.project import SUFFIX, write_project
from studio.session.state import State

AFTER_MS = 0  # once the edit has been shown: a crash later loses nothing
KEPT = 5
"""Copies of one model that are kept; the oldest go first."""


class Autosave(QObject):
    """Writes the project right after an edit; saving it removes the copy.

    Windows on one model have copies of their own: each holds a lock on what it writes, which ends
    with its process, however that ends. A copy that no window holds is offered, never written over.

    Args:
        folder: where the copies are.
        parent: whose life it shares.
    """

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._state = State()
        self._held: dict[Path, QLockFile] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self.write)

    def owns(self, name: str) -> bool:
        """Whether a file is one of the copies."""
        return Path(name).parent == self._folder

    def files(self) -> list[Path]:
        """The copies that no window works on, newest first."""
        return [path for path in self._all(f"*{SUFFIX}") if self._is_free(path)]

    def claim(self, path: Path) -> None:
        """Go on with a copy that was left: what it is restored to is kept in the same file."""
        self._hold(path)

    def follow(self, state: State) -> None:
        """Take notice of a change."""
        if state.model is not self._state.model:
            self.write()
        was_unsaved = self._state.unsaved
        self._state = state
        if state.unsaved:
            self._timer.start()
        elif was_unsaved:
            self._timer.stop()
            self._drop(state)

    def write(self) -> None:
        """Keep what is not saved yet."""
        self._timer.stop()
        if not self._state.unsaved or self._state.model is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_project(self._state.project, self._copy(self._state))
        except (OSError, ProjectError):
            return  # a full or read-only disk costs the copy, nothing else

    def close(self) -> None:
        """Keep what is not saved yet, and leave it to the next window."""
        self.write()
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
        for path in [path for path in self._held if path.name.startswith(_stem(state))]:
            path.unlink(missing_ok=True)
            self._held.pop(path).unlock()

    def _all(self, pattern: str) -> list[Path]:
        return sorted(self._folder.glob(pattern), key=lambda p: p.stat().st_mtime_ns, reverse=True)

    def _hold(self, path: Path) -> bool:
        """Take a file for this window; False where another one has it."""
        lock = _lock(path)
        if not lock.tryLock(0):
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


def _stem(state: State) -> str:
    # Models of one name in different folders are different work.
    place = hashlib.sha256(state.project.model.encode()).hexdigest()[:8]
    return f"{state.project.name}-{place}-"
