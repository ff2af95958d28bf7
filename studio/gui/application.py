"""The Qt application around the main window."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QStandardPaths, QTimer
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import QApplication

from studio.gui import theme
from studio.gui.display import require_display
from studio.gui.garbage import Garbage
from studio.gui.main_window import MainWindow
from studio.gui.notices import install_crash_dialog
from studio.project import EXAMPLE
from studio.session import Session

EXIT_AFTER = "STUDIO_EXIT_AFTER_MS"
"""Set to a number of milliseconds, the window closes itself: for measuring how fast it is up."""


def application(arguments: Sequence[str]) -> QApplication:
    """The QApplication, made once."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    made = QApplication(list(arguments))
    Garbage(made)
    made.setApplicationName("tinyml-studio")
    made.setApplicationDisplayName("")
    made.setOrganizationName("tinyml-studio")
    made.setDesktopFileName("tinyml-studio")
    made.setWindowIcon(QIcon(str(theme.ICONS / "studio.svg")))
    font = made.font()
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setFont(font)
    return made


def run(arguments: Sequence[str]) -> int:
    """Show the window until it is closed.

    Raises:
        StudioError: there is no display.
    """
    if QApplication.instance() is None:
        require_display()
    made = application(arguments)
    session = Session()
    places = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)
    window = MainWindow(session, QSettings(), Path(places) / "unsaved")
    install_crash_dialog(window)
    window.show()
    names = [name for name in arguments[1:] if not name.startswith("-")]
    if names:
        QTimer.singleShot(0, lambda: window.open(named(names[0])))
    elif not window.toured:
        QTimer.singleShot(0, window.tour)
    if after_ms := os.environ.get(EXIT_AFTER):
        QTimer.singleShot(int(after_ms), window.close)
    handlers = _close_on_signals(window)
    try:
        return int(made.exec())
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
        session.close()
        sys.excepthook = sys.__excepthook__


def _close_on_signals(window: MainWindow) -> dict[signal.Signals, Any]:
    """Ctrl+C in the terminal and a polite kill close the window; the handlers that were.

    Python gets to them as soon as any of its code runs: with the next tick of `Garbage`.
    """
    kinds = (signal.SIGINT, signal.SIGTERM)
    return {kind: signal.signal(kind, lambda *_: window.close()) for kind in kinds}


def named(name: str) -> str:
    """What a name on the command line means: a file, else an example."""
    known = name in ("digits", "motion") and not Path(name).exists()
    return f"{EXAMPLE}{name}" if known else name
