"""The window is up before anything heavy is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from window_speed import Start

UNTIL_CLOSED = """
import sys
from PySide6.QtCore import QTimer
from studio.cli import main
from studio.gui.application import application
qt = application(["tinyml-studio"])
QTimer.singleShot(0, lambda: print("up", flush=True))
sys.exit(main(["open"]))
"""
OPEN = "import sys; from studio.cli import main; sys.exit(main(['open']))"
HEAVY = {"torch", "onnx", "onnx_ir", "onnxruntime", "onnxscript", "sklearn"}


def test_the_window_takes_under_1500_ms_and_imports_nothing_heavy(tmp_path: Path) -> None:
    """Processor time, so that a busy machine does not matter."""
    start = Start(tmp_path)
    assert not {name.partition(".")[0] for name in start.modules} & HEAVY
    assert start.own_s < 1.5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
@pytest.mark.parametrize("command", [["-m", "studio"], ["-c", OPEN]])
@pytest.mark.parametrize(
    ("display", "reason"),
    [
        ({}, "could not connect to display"),
        ({"DISPLAY": ":4242"}, "could not connect to display :4242"),
        ({"QT_QPA_PLATFORM": "nonsense"}, 'platform plugin "nonsense"'),
    ],
)
def test_without_a_display_it_says_so(
    display: dict[str, str], reason: str, command: list[str]
) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, *command], env=environment | display, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "there is no display" in done.stderr and reason in done.stderr
    assert "use the command line" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is another matter there")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_terminal_ends_an_idle_window(tmp_path: Path, kind: signal.Signals) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", UNTIL_CLOSED]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as window:
        assert window.stdout is not None
        window.stdout.readline()
        window.send_signal(kind)
        try:
            told = window.communicate(timeout=20)[1]
        finally:
            window.kill()
    assert window.returncode == 0
    assert b"Traceback" not in told
