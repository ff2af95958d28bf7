"""Where a file shall be written: asked so that nothing is replaced unasked."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_to_write(parent: QWidget, title: str, name: str, filters: str, suffix: str) -> str:
    """A path, or "" where the user does not want to.

    A name without a suffix gets `suffix` before Qt looks whether such a file is there already.
    """
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(name)
    chosen = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    return chosen[0] if chosen else ""
