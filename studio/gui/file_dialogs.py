"""Where a file shall be written: asked so that nothing is replaced unasked."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_to_write(parent: QWidget, title: str, name: str, filters: str, suffix: str) -> str:
    """A path that ends as one of `filters`, or "" where the user does not want to.

    Another name gets `suffix` before Qt looks whether such a file is there already.
    """
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(name)
    chosen, endings = "", tuple(re.findall(r"\*(\.\w+)", filters))
    while dialog.exec():
        [chosen] = dialog.selectedFiles()
        if chosen.lower().endswith(endings):
            break
        chosen += suffix  # Qt takes the ".v2" of "net.v2" for one
        if not Path(chosen).exists():
            break
        dialog.selectFile(chosen)
        chosen = ""
    dialog.deleteLater()
    return chosen
