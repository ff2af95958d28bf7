"""Boards of the user's own in the window: files that are added, dropped or described by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFileDialog

from studio.errors import ProfileError, StudioError
from studio.gui.application_dialog import ApplicationDialog
from studio.gui.describe_board import DescribeBoard
from studio.gui.file_dialogs import ask_to_write
from studio.gui.panels.board_chooser import BoardChooser
from studio.gui.questions import question_for
from studio.gui.tasks import Task
from studio.session.state import State
from studio.targets.library import file_and_device, names_file, of_device
from studio.targets.profile import Profile
from studio.targets.resources import changed_ns
from studio.targets.writer import write_profile

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow

OWN_BOARDS = "own_boards"
"""Where the settings keep the files that were chosen last."""
MOST = 12
BOARD, APPLICATION = "Reading a board", "Reading an application"
"""Work of which errors are over when it succeeds, whatever the file."""
BOARD_FILTER = "Boards (*.toml *.json *.pdsc);;All files (*)"
FIRMWARE_SUFFIXES = (".elf", ".axf", ".map")


class OwnBoards(QObject):
    """What a window knows of the user's boards and application.

    Signals:
        changed_elsewhere: a file that counts in the budgets is another one now.
    """

    changed_elsewhere = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._seen: dict[str, int] = {}
        window.installEventFilter(self)

    @property
    def files(self) -> list[str]:
        """The boards that were chosen last, newest first."""
        return self._window.listed(OWN_BOARDS)

    def follow(self, state: State) -> None:
        """Keep the chosen board in the list, where it is one of the user's own."""
        board = state.project.board
        kept_whole = board.isprintable()  # settings drop what is no Unicode text
        if names_file(board) and kept_whole and self.files[:1] != [board]:
            kept = [board, *(other for other in self.files if other != board)][:MOST]
            self._window.settings.setValue(OWN_BOARDS, kept)
        self._window.budget.own = self.files

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Who comes back to the window may have changed a board or firmware meanwhile."""
        if event.type() == QEvent.Type.ActivationChange:
            before, self._seen = self._seen, self._written()
            if any(before.get(file, when) != when for file, when in self._seen.items()):
                self.changed_elsewhere.emit()
        return False

    def _written(self) -> dict[str, int]:
        """When the files that count in the budgets were written last."""
        project = self._window.session.state.project
        boards = (file_and_device(board)[0] for board in project.boards if names_file(board))
        return {file: changed_ns(file) for file in (*boards, project.application.file) if file}

    def fill(self, popup: BoardChooser) -> None:
        """Read the user's boards for the list, in a thread: a description may be large."""
        task = Task("Reading your boards", self._window.session.read_boards(popup.own))
        task.succeeded.connect(popup.show_read)
        task.crashed.connect(self._window.show_crash)
        self._window.tasks.start(task)
        popup.destroyed.connect(task.cancel)

    def ask(self) -> None:
        """Ask for a board file and choose it."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Add a board file", "", BOARD_FILTER)
        if path:
            self.add(path)

    def add(self, name: str) -> None:
        """Choose a board file, asking for its device where it describes several."""
        title = f"Reading {Path(name).name}"
        asking = partial(self._ask_device, name, title)
        job = self._window.session.open_board(name)
        self._window.start(title, job, failed=asking, work=BOARD)

    def _ask_device(self, name: str, title: str, error: StudioError) -> None:
        question = question_for(self._window, error)
        if question is None:
            self._window.failed(title, error, BOARD)
            return
        question.answered.connect(lambda device: self.add(of_device(name, device)))
        question.ask()

    def describe(self) -> DescribeBoard:
        """Open the form that describes a board."""
        form = DescribeBoard(self._window)
        form.described.connect(partial(self._save, form))
        form.open()
        return form

    def _save(self, form: DescribeBoard, board: Profile) -> None:
        """Write what the form says where the user wants it, and choose it."""
        name = "".join(c if c.isalnum() else "_" for c in board.name.lower())
        chosen = ask_to_write(self._window, "Save the board", f"{name}.toml", "*.toml", ".toml")
        if not chosen:
            return
        try:
            write_profile(board, Path(chosen))
        except ProfileError as error:
            form.refuse(error)
            return
        form.accept()
        self.add(chosen)

    # ---- application -----------------------------------------------------------------------

    def edit_application(self) -> ApplicationDialog:
        """Open the dialog on what runs beside the model."""
        dialog = ApplicationDialog(self._window, self._window.session.state.project.application)
        dialog.answered.connect(self._take_application)
        dialog.open()
        return dialog

    def add_application(self, file: str) -> None:
        """Take a firmware or map into account, beside the numbers that were given by hand."""
        given = self._window.session.state.project.application
        self._take_application(file, given.flash_bytes, given.ram_bytes)

    def _take_application(self, file: str, flash_bytes: int, ram_bytes: int) -> None:
        title = f"Reading {Path(file).name}" if file else "My application"
        job = self._window.session.open_application(file, flash_bytes, ram_bytes)
        self._window.start(title, job, work=APPLICATION)
