"""A disk that takes its time, so that who waits for it is seen."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from studio.project import Project, read_project, write_project

SLOW_S = 0.3


def slow_disk(monkeypatch: pytest.MonkeyPatch, writer: ModuleType) -> list[str]:
    """Let projects that `writer` writes take a third of a second, and never in the main thread.

    Returns:
        What was written, by `title`, as it is written.
    """
    written: list[str] = []

    def write(project: Project, path: Path) -> None:
        time.sleep(SLOW_S)
        write_project(project, path)
        assert threading.current_thread() is not threading.main_thread()
        written.append(title(path))

    monkeypatch.setattr(writer, "write_project", write)
    return written


def title(path: Path) -> str:
    """The title of a project's step "int8"."""
    return read_project(path).recipe.by_id["int8"].title
