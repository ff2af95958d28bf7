"""How fast the window is: measured here, held to the bars in gui/test_speed.py, printed by `make
bench-window`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.gui.canvas.card import Card, Mini
from studio.gui.canvas.view import PipelineView
from studio.gui.panels.model import ModelPanel
from studio.session.graph import Graph, GraphNode

START = """
import sys, time
from studio.gui.application import run
run(["studio"])
own_s = time.process_time()
files = {m.__cached__ for m in sys.modules.values() if getattr(m, "__cached__", None)}
try:
    files |= {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
except OSError:
    pass
print(own_s, *sys.modules, sep="\\n")
print(*files, sep="\\n", file=sys.stderr)
"""


def child(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python on `words`, offscreen where there is no display, finding what we find."""
    shown = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment = {**os.environ, **shown, **path, **variables}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=True
    )


class Start:
    """The window started and closed as soon as it is up, in a process of its own.

    Attributes:
        clock_s: by the clock, with the end of the process.
        own_s: processor time.
        modules: what was imported.
        files: what was read for it.
    """

    def __init__(self, folder: Path) -> None:
        begun = time.perf_counter()
        done = child("-c", START, STUDIO_EXIT_AFTER_MS="0", HOME=str(folder))
        self.clock_s = time.perf_counter() - begun
        own_s, *self.modules = done.stdout.split("\n")
        self.own_s = float(own_s)
        self.files = [line for line in done.stderr.split("\n") if line.startswith("/")]


def forget(files: Iterable[str]) -> None:
    """Take files out of the system's cache, but what other programs have in use."""
    for file in filter(os.path.exists, files):
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def busy(folder: Path) -> dict[str, Any]:
    """What gui/busy_child.py measures while training, building, flashing and streaming."""
    script = Path(__file__).with_name("gui") / "busy_child.py"
    folder.mkdir()
    done = child(str(script), str(folder))
    said = [line for line in done.stderr.splitlines() if "This plugin does not" not in line]
    assert not said, said
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def both(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call, by the clock and of the processor."""
    clock, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - own


def draw_s(count: int) -> tuple[float, float]:
    """A chain of `count` nodes with skips, from the graph to the pixels of the Model panel."""
    nodes = tuple(
        GraphNode(
            f"node{i}", "Conv", f"value{i}", (1, 8, 8, 8), "float32", 576,
            tuple({max(i - 1, 0), max(i - 7, 0)}) if i else (), "supported",
        )
        for i in range(count)
    )  # fmt: skip
    panel = ModelPanel()
    panel.resize(900, 400)
    panel.show()
    QApplication.processEvents()

    def draw() -> None:
        panel.show_graph(Graph(None, nodes))  # type: ignore[arg-type]
        panel.graph.fitInView(panel.graph.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
        panel.graph.viewport().repaint()
        QApplication.processEvents()

    taken = both(draw)
    assert len(panel.graph.items_) == count
    panel.deleteLater()
    return taken


def pan_s(count: int, frames: int = 120) -> list[tuple[float, float]]:
    """Each frame of a canvas with `count` cards that the middle button pulls about, painted."""
    view = PipelineView()
    view.resize(1280, 720)
    view.show()
    figures = (
        Mini("97.5 %", "+0.1 pt", 0.975),
        Mini("24.1 kB", "flash -41 %", 0.6, "good"),
        Mini("3.9 kB", "RAM -5 %", 0.9, "good"),
    )
    cards = [Card(str(i), f"Step {i}", "done", "done", figures) for i in range(count)]
    parents = {str(i): None if not i else str((i - 1) // 2) for i in range(count)}
    view.show_graph(cards, parents, {}, "0")
    view.fit()
    QApplication.processEvents()
    viewport, middle, at = view.viewport(), Qt.MouseButton.MiddleButton, QPoint(640, 360)
    QTest.mousePress(viewport, middle, pos=at)
    begun = view.mapToScene(QPoint())

    def frame(to: QPoint) -> None:
        QTest.mouseMove(viewport, to)
        viewport.repaint()

    half = frames // 2
    path = [QPoint(4 * min(i, frames - i), 2 * min(i, frames - i)) for i in range(frames)]
    taken = []
    for index, away in enumerate(path):
        taken.append(both(lambda to=at + away: frame(to)))
        assert index != half or view.mapToScene(QPoint()) != begun
    QTest.mouseRelease(viewport, middle, pos=at)
    view.deleteLater()
    return taken
