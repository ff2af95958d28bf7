"""What Qt warns of fails the test in which it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SETTINGS = Path(__file__).parents[2] / "pyproject.toml"
SAID = "a painter is not active"
TEST = f"""
from PySide6.QtCore import qWarning

def test_it():
    qWarning(b"{SAID}")
"""


def test_a_qt_warning_fails_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_warned.py").write_text(TEST)
    words = ["-m", "pytest", "-c", str(SETTINGS), f"--rootdir={tmp_path}", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *words, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert SAID in done.stdout
