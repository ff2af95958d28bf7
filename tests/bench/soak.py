"""Random mouse, keys and commands at the window (`make soak`): it must not crash or lose an edit.

python tests/bench/soak.py [--seconds S] [--seeds N] [--first SEED]

Each seed has a process of its own, so that a crash of Qt is seen as well. A run fails with an
exception anywhere, a warning of Qt, or a project that is another one after undo and redo of all.
File dialogs answer that nothing was chosen; the window does not close, and starts no other.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from pathlib import Path

from PySide6.QtCore import QPoint, QProcess, QSettings, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from studio.gui.application import application
from studio.gui.main_window import MainWindow
from studio.project import EXAMPLE, to_text
from studio.session import Session

Key, Button, Modifier = Qt.Key, Qt.MouseButton, Qt.KeyboardModifier
KEYS = [
    Key.Key_Delete, Key.Key_M, Key.Key_F2, Key.Key_Return, Key.Key_Escape, Key.Key_Tab,
    Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Space, Key.Key_F5, Key.Key_F7,
    Key.Key_F8, Key.Key_A, Key.Key_1, Key.Key_Home, Key.Key_End, Key.Key_PageDown,
]  # fmt: skip
MODIFIERS = [*[Modifier.NoModifier] * 3, Modifier.ControlModifier, Modifier.ShiftModifier]
ACTS = (("point", 35), ("press", 25), ("command", 30), ("size", 3), ("dock", 2), ("rest", 5))
TOLD = 12
IDLE_S = 120.0
HARMLESS = "This plugin does not support"


class Impatient:
    """Somebody who does anything, in an order that the seed decides."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window, self.random = window, random.Random(seed)
        self.trail: deque[str] = deque(maxlen=TOLD)
        self.faults: list[str] = []
        self.acts = 0
        window.show_crash = self.fault  # type: ignore[method-assign]
        sys.excepthook = lambda _kind, error, _trace: self.fault(error)
        qInstallMessageHandler(self._message)

    def fault(self, error: BaseException) -> None:
        """Remember what went wrong."""
        self.faults.append("".join(traceback.format_exception(error)))

    def _message(self, kind: QtMsgType, _context: object, text: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not text.startswith(HARMLESS):
            self.faults.append(f"Qt: {text}")

    def act(self) -> None:
        """Do one thing."""
        names, weights = zip(*ACTS, strict=True)
        name = self.random.choices(names, weights)[0]
        self.trail.append(name)
        getattr(self, name)()
        self.acts += 1
        if self.random.random() < 0.3:
            QApplication.processEvents()

    def point(self) -> None:
        """The mouse, somewhere on whatever is in front."""
        top = self._front()
        place = QPoint(*(self.random.randrange(max(n, 1)) for n in top.size().toTuple()))
        target = top.childAt(place) or top
        at = target.mapFrom(top, place)
        how = self.random.choice(("click", "click", "twice", "drag", "menu"))
        self.trail[-1] = f"{how} {type(target).__name__} '{target.accessibleName()}'"
        if how == "click":
            QTest.mouseClick(target, Button.LeftButton, pos=at)
        elif how == "twice":
            QTest.mouseDClick(target, Button.LeftButton, pos=at)
        elif how == "menu":
            QTest.mouseClick(target, Button.RightButton, pos=at)
        else:
            self._drag(target, at)

    def _drag(self, target: QWidget, at: QPoint) -> None:
        QTest.mousePress(target, Button.LeftButton, pos=at)
        ways = [self._near(at) for _ in range(3)]
        for way in ways:
            QTest.mouseMove(target, way)
        if self.random.random() < 0.3:
            QTest.keyClick(target, Key.Key_Escape)
        QTest.mouseRelease(target, Button.LeftButton, pos=ways[-1])

    def _near(self, at: QPoint) -> QPoint:
        return at + QPoint(self.random.randint(-200, 200), self.random.randint(-100, 100))

    def _front(self) -> QWidget:
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        others = [one for one in QApplication.topLevelWidgets() if one.isVisible()]
        if popup is not None or self.random.random() < 0.7 or not others:
            return popup or self.window
        return self.random.choice([one for one in others if not isinstance(one, QMenu)])

    def press(self) -> None:
        """A key, for whatever has the focus."""
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        target = popup or QApplication.focusWidget() or self.window
        target = target.focusWidget() or target
        key, modifier = self.random.choice(KEYS), self.random.choice(MODIFIERS)
        self.trail[-1] = f"{key} {modifier} at {type(target).__name__}"
        QTest.keyClick(target, key, modifier)

    def command(self) -> None:
        """A command of the menus, where no popup is open."""
        found = self.window.actions_.by_id
        name = self.random.choice(list(found))
        self.trail[-1] = f"command {name}"
        if QApplication.activePopupWidget() is None and found[name].isEnabled():
            found[name].trigger()

    def size(self) -> None:
        """Another size of the window."""
        self.window.resize(self.random.randrange(300, 1700), self.random.randrange(200, 1000))

    def dock(self) -> None:
        """A panel closed, shown or torn off."""
        dock = self.random.choice(list(self.window.parts.docks))
        self.random.choice(
            (dock.close, dock.show, lambda: dock.setFloating(not dock.isFloating()))
        )()

    def rest(self) -> None:
        """Look at it for a moment."""
        QTest.qWait(self.random.choice((0, 5, 50, 300)))


def close_popups(window: MainWindow) -> None:
    """Leave the window alone."""
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
        QApplication.processEvents()
    panels = set(window.parts.docks)
    for one in QApplication.topLevelWidgets():
        if one.isVisible() and one is not window and one not in panels:
            one.close()


def wait(window: MainWindow) -> bool:
    """Until it is idle; whether that came true."""
    end = time.monotonic() + IDLE_S
    while not window.idle and time.monotonic() < end:
        QTest.qWait(5)
    return window.idle


def same_after_undo(window: MainWindow, folder: Path) -> bool:
    """Whether all undone and done again gives the same project."""
    session = window.session
    text, past = to_text(session.state.project, folder), len(session.state.history.past)
    for step in (session.undo, session.redo):
        for _ in range(past):
            step()
    return to_text(session.state.project, folder) == text


def run(seed: int, seconds: float) -> int:
    """One seed, in this process; the number of faults."""
    application(["tinyml-studio"])
    for name, nothing in (("getOpenFileName", ("", "")), ("getExistingDirectory", ""), ("exec", 0)):
        setattr(QFileDialog, name, lambda *_, nothing=nothing, **__: nothing)
    QProcess.startDetached = lambda *_: False  # type: ignore[assignment, method-assign]
    with tempfile.TemporaryDirectory() as place:
        settings = QSettings(str(Path(place) / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(Session(), settings, Path(place))
        window.close = lambda: False  # type: ignore[method-assign]
        window.show()
        impatient = Impatient(window, seed)
        window.open(f"{EXAMPLE}digits")
        wait(window)
        window.session.choose_board("virtual/host")
        end = time.monotonic() + seconds
        while time.monotonic() < end and not impatient.faults and window.isVisible():
            impatient.act()
        close_popups(window)
        window.cancel()
        if not window.isVisible():
            impatient.faults.append("the window closed")
        if not wait(window):
            impatient.faults.append("the window is busy for ever")
        if not same_after_undo(window, Path(place)):
            impatient.faults.append("undo and redo of all give another project")
        wait(window)
        QWidget.close(window)
    told = "none" if not impatient.faults else "; ".join(impatient.faults)
    print(f"| {seed} | {impatient.acts} | {told} |", flush=True)
    if impatient.faults:
        print("the last acts:", *impatient.trail, sep="\n  ")
    return len(impatient.faults)


def main() -> int:
    """All seeds, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--one", action="store_true", help="the first seed alone, in this process")
    given = parser.parse_args()
    if given.one:
        return min(run(given.first, given.seconds), 1)
    print("| seed | acts | faults |\n|---|---:|---|", flush=True)
    failed = 0
    for seed in range(given.first, given.first + given.seeds):
        words = ["--one", "--first", str(seed), "--seconds", str(given.seconds)]
        found = subprocess.run([sys.executable, __file__, *words], env=os.environ)
        failed += found.returncode != 0
        if found.returncode < 0:
            print(f"| {seed} | ended by signal {-found.returncode} | |", flush=True)
    print(f"\n{given.seeds - failed} of {given.seeds} without a fault")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
