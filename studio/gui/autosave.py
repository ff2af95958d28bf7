"""Changes that were not saved are kept beside the settings, and offered at the next start."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from studio.errors import ProjectError
from studio.project import SUFFIX, write_project
from studio.session.state import State

AFTER_MS = 0  # once the edit has been shown: a crash later loses nothing


class Autosave(QObject):
    """Writes the project right after an edit; saving it removes the copy.

    Args:
        folder: where the copies are, one for each model that is worked on.
        parent: whose life it shares.
    """

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._state = State()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self.write)

    def owns(self, name: str) -> bool:
        """Whether a file is one of the copies."""
        return Path(name).parent == self._folder

    def files(self) -> list[Path]:
        """The copies that there are."""
        return sorted(self._folder.glob(f"*{SUFFIX}"))

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
            self._copy(state).unlink(missing_ok=True)

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

    def _copy(self, state: State) -> Path:
        # Models of one name in different folders are different work.
        place = hashlib.sha256(state.project.model.encode()).hexdigest()[:8]
        return self._folder / f"{state.project.name}-{place}{SUFFIX}"
