"""Drives the window through an example and takes its picture at every station.

python -m studio.gui.screenshots [--all] [--docs DOCS] [FOLDER [EXAMPLE ...]]

The pictures are 1280x800; with --all, the first example is also shown at 1920x1080 and at 200 %;
with --docs, those that README and guide show are put into a folder, with 256 colours.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from studio.errors import StudioError
from studio.gui import theme
from studio.gui.application import application
from studio.gui.main_window import MainWindow
from studio.project import EXAMPLE, ROOT
from studio.session import Session
from studio.session.state import State

THEMES = ("dark", "light")
SIZE = (1280, 800)
OTHERS = {"large": ((1920, 1080), "1"), "fine": (SIZE, "2")}
"""Folders for the other pictures: size of the window and scale of the screen."""
SHOWN = {
    "motion-small-light": "pipeline.png",
    "motion-live-dark": "live.png",
    "motion-tradeoff-light": "trade-off.png",
    "motion-unfit-light": "budget.png",
}
"""Pictures for README and guide: example, station and theme, and the file's name."""
DIALOGS = {"describe": "describe_board", "application": "my_application"}
"""Stations that show a dialog, and the command that opens it."""
SMALL_BOARD = "survey_cortex_m0plus_8k"
SHADE = 96
COLOURS = 256
GREY = 8
"""What a grey pixel counts for; a colour counts for as much more as its channels differ."""
KIND = "STUDIO_SCREENSHOTS"
JOB_S = 600.0
LIVE_S = 4.0
LIVE_HZ = 8.0


@dataclass(frozen=True, slots=True)
class Tour:
    """What a drive through an example left: its pictures, and the session's last state."""

    pictures: tuple[Path, ...]
    state: State


def virtual_board() -> str:
    """The virtual M4 where QEMU is installed, else this computer."""
    return "virtual/mps2-an386" if shutil.which("qemu-system-arm") else "virtual/host"


def tour(example: str, folder: Path, board: str = "", size: tuple[int, int] = SIZE) -> Tour:
    """Open an example, run, generate, flash and watch it; a picture a station and theme.

    Args:
        example: its name, such as "motion".
        folder: where the pictures go, `<example>-<number>-<station>-<theme>.png`.
        board: the virtual board; "" for `virtual_board()`.
        size: of the window, in pixels that do not depend on the scale.

    Raises:
        StudioError: the first error that the window shows.
    """
    application(["tinyml-studio"])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        settings = QSettings(str(Path(place) / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(Session(), settings, Path(place))
        window.resize(*size)
        window.show()
        try:
            pictures = _drive(window, example, folder, board or virtual_board())
            state = window.session.state
        finally:
            window.close()
            window.deleteLater()
    return Tour(tuple(pictures), state)


def _drive(window: MainWindow, example: str, folder: Path, board: str) -> list[Path]:
    pictures: list[Path] = []

    def station(name: str, act: Callable[[], object]) -> None:
        act()
        _wait(window)
        number = len(pictures) // len(THEMES)
        pictures.extend(_pictures(window, folder / f"{example}-{number}-{name}"))

    parts = window.parts
    station("empty", lambda: None)
    station("opened", lambda: window.open(f"{EXAMPLE}{example}"))
    window.session.choose_board(board)
    station("run", window.run)
    station("variants", lambda: _vary(window))
    station("small", lambda: window.session.choose(plan="small"))
    station("model", lambda: parts.docks.bring(parts.model))
    station("layers", lambda: parts.docks.bring(parts.layers))
    station("accuracy", lambda: parts.docks.bring(parts.accuracy))
    station("noise", lambda: parts.accuracy.show_page(2))
    station("tradeoff", lambda: parts.docks.bring(parts.trade_off))
    station("code", window.show_code)
    station("flash", window.flash)
    station("live", lambda: _live(window))
    station("unfit", lambda: _unfit(window))
    for name, command in DIALOGS.items():
        station(name, window.actions_.by_id[command].trigger)
        for popup in _popups(window):
            popup.close()
    station("tour", window.tour)
    return pictures


def _unfit(window: MainWindow) -> None:
    """The model as it was opened, for a board that is too small for it."""
    window.parts.docks.bring(window.parts.memory)
    window.session.select(ROOT)
    window.session.choose_boards((*window.session.state.project.boards[:4], SMALL_BOARD))
    window.session.choose_board(SMALL_BOARD)


def _vary(window: MainWindow) -> None:
    """A second variant beside the selected one: one scale for a whole tensor."""
    [made] = window.session.duplicate(window.session.state.selected)
    window.session.tune(made, {"per_channel": False})
    window.run()


def _live(window: MainWindow) -> None:
    window.parts.live.rate.setValue(LIVE_HZ)
    window.live()
    end = time.monotonic() + LIVE_S
    while time.monotonic() < end and window.foreground is not None:
        _breathe()
    window.cancel()


def _wait(window: MainWindow) -> None:
    """Until the window is idle; the first error that it shows is raised."""
    end = time.monotonic() + JOB_S
    settle = time.monotonic() + 0.2
    while not window.idle or time.monotonic() < settle:
        _breathe()
        if time.monotonic() > end:
            raise StudioError("the window is still busy", window.windowTitle())
    for notice in window.notices.shown:
        if notice.property("kind") == "error":
            raise StudioError(notice.text.replace("\n", "; "), "the window")


def _breathe() -> None:
    QApplication.processEvents()
    time.sleep(0.005)


def _pictures(window: MainWindow, stem: Path) -> list[Path]:
    made = []
    for choice in THEMES:
        window.set_theme(choice)
        _breathe()
        path = stem.with_name(f"{stem.name}-{choice}.png")
        picture, painter = window.grab(), QPainter()
        painter.begin(picture)
        painter.setPen(QColor(theme.current().muted))
        for popup in _popups(window):
            place = QRect(QPoint(), popup.size())
            place.moveCenter(window.rect().center())  # a small screen would have pushed it
            painter.fillRect(window.rect(), QColor(0, 0, 0, SHADE))
            painter.drawPixmap(place.topLeft(), popup.grab())
            painter.drawRect(place)
        painter.end()
        picture.save(str(path))
        made.append(path)
    return made


def _popups(window: MainWindow) -> list[QWidget]:
    """What stands in front of the window."""
    return [one for one in QApplication.topLevelWidgets() if one.isVisible() and one is not window]


def few_colours(picture: QImage) -> QImage:
    """A picture in the colours that it has most of: a third of the bytes, and looks the same.

    Greys are many, since text is smoothed by them; a colour in its own right counts for more.
    """
    import numpy as np

    plain = picture.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(plain.constBits(), np.uint32)
    colours, counts = np.unique(pixels, return_counts=True)
    channels = np.stack([colours >> shift & 255 for shift in (16, 8, 0)]).astype(int)
    chroma = channels.max(axis=0) - channels.min(axis=0)
    table = colours[np.argsort(-counts * (GREY + chroma), kind="stable")[:COLOURS]]
    flags = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    return plain.convertToFormat(QImage.Format.Format_Indexed8, table.tolist(), flags)


def _to_docs(folder: Path, docs: Path) -> None:
    docs.mkdir(parents=True, exist_ok=True)
    for picture, name in SHOWN.items():
        example, _, rest = picture.partition("-")
        for found in folder.glob(f"{example}-*-{rest}.png"):
            few_colours(QImage(str(found))).save(str(docs / name), quality=0)


def main(arguments: Sequence[str]) -> int:
    """Take the pictures of the examples, both where none is named."""
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--docs", type=Path)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/screenshots"))
    parser.add_argument("examples", nargs="*")
    given = parser.parse_args(arguments)
    named = given.examples or ["motion", "digits"]
    kind = os.environ.get(KIND, "")
    for example in named:
        tour(example, given.folder, size=OTHERS[kind][0] if kind else SIZE)
    if given.docs:
        _to_docs(given.folder, given.docs)
    failed = 0
    for other, (_, scale) in OTHERS.items() if given.all else ():
        # The scale of the screen is set once for a process.
        command = [sys.executable, "-m", __spec__.name, str(given.folder / other), named[0]]
        environment = {**os.environ, KIND: other, "QT_SCALE_FACTOR": scale}
        failed |= subprocess.run(command, env=environment).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
