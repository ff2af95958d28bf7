"""The window is up before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
import time

HEAVY = {"torch", "onnx", "onnx_ir", "onnxruntime", "onnxscript", "sklearn"}


def test_the_window_shows_within_1500_ms_and_imports_nothing_heavy() -> None:
    code = "import sys; from studio.gui.application import run; run(['studio']);print(*sys.modules)"
    environment = {**os.environ, "STUDIO_EXIT_AFTER_MS": "0", "QT_QPA_PLATFORM": "offscreen"}
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(time.perf_counter() - begun)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & HEAVY
    assert min(taken) < 1.5


def test_without_a_display_it_says_so() -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-m", "studio"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no display" in done.stderr
