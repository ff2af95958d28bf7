"""A window that is edited without end, until somebody kills it: says which edit is on screen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QSettings

from studio.gui.application import application
from studio.gui.main_window import MainWindow
from studio.session import Session


def main(folder: Path, running: bool) -> None:
    qt = application(["tinyml-studio"])
    session = Session()
    session.finish(session.open("example:digits"))
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(session, settings, folder / "unsaved")
    window.show()
    if running:
        window.run()
    for number in range(1_000_000):
        session.rename("int8", f"edit {number}")
        qt.processEvents()
        os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "run")
