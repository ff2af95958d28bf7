"""Killed at any moment, the studio loses at most the last action."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QObject

from studio.gui.autosave import Autosave
from studio.project import read_project
from studio.session import Session

KILLS = int(os.environ.get("STUDIO_KILLS", "4"))
CHILD = Path(__file__).with_name("crash_child.py")


@pytest.mark.parametrize("attempt", range(KILLS))
def test_kill_9_loses_at_most_the_last_action(tmp_path: Path, attempt: int) -> None:
    command = [sys.executable, str(CHILD), str(tmp_path), "run" if attempt % 2 else "edit"]
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.Random(attempt).uniform(0.0, 0.8))
        child.kill()
        seen = [int(line) for line in child.stdout.read().split()]
    copy = next((tmp_path / "unsaved").glob("digits-*.tinyml"))
    project = read_project(copy)
    kept = int(project.recipe.by_id["int8"].title.removeprefix("edit "))
    assert kept >= max(seen, default=0) - 1
    session = Session()
    session.finish(session.restore(str(copy)))
    assert session.state.project == project
    assert session.state.unsaved
    assert len(Autosave(tmp_path / "unsaved", QObject()).files()) == 1  # its lock ended with it
