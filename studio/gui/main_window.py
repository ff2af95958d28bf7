"""The main window: puts the parts together and passes between them and the session."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow

from studio.errors import BoardError, StudioError
from studio.gui import commands, present, theme
from studio.gui.actions import Actions
from studio.gui.autosave import Autosave
from studio.gui.file_dialogs import ask_to_write
from studio.gui.menus import Menus
from studio.gui.newest import Newest
from studio.gui.notices import CrashDialog
from studio.gui.own_boards import APPLICATION, FIRMWARE_SUFFIXES, OwnBoards
from studio.gui.parts import Parts
from studio.gui.questions import Shapes, question_for
from studio.gui.saving import Saving
from studio.gui.shortcuts import ShortcutsDialog
from studio.gui.tasks import Task, Tasks
from studio.gui.tour import Tour
from studio.gui.tour_stops import tour_stops
from studio.gui.upkeep import Upkeep
from studio.job import Progress
from studio.project import EXAMPLE, ROOT, SUFFIX
from studio.session import Session
from studio.session.model_work import running_node
from studio.session.state import Deployment, State, Update
from studio.targets.library import holds_board

MODEL_FILTER = (
    "Models and projects (*.onnx *.tflite *.pt2 *.pt *.pth *.keras *.h5 *.tinyml);;All files (*)"
)
DATA_SUFFIXES = (".npz", ".csv", ".ts", ".wav", ".json", ".toml")
RECENT = 8
TOURED = "toured"
OPENING, DATA, COPY = "Opening", "Opening data", "Copy of unsaved changes"
"""Work of which errors are over when it succeeds, whatever the file."""
SETTLE_MS = 600
PULSE_MS = 1000
assert commands  # importing it registers the commands


class MainWindow(QMainWindow):
    """One window on one session.

    Args:
        session: the document.
        settings: theme and recent files.
        unsaved: the folder where changes that were not saved are kept.
    """

    def __init__(self, session: Session, settings: QSettings, unsaved: Path) -> None:
        super().__init__()
        self.session: Session = session
        self.settings = settings
        self.theme_choice: str = str(settings.value("theme", "system"))
        self.tasks = Tasks(self)
        self.foreground: Task | None = None
        self._running: present.Running | None = None
        self._target = ""
        self._progress = Newest(self._show_progress, self)
        self.actions_ = Actions(self)
        self.parts: Parts = Parts(self)
        self._name_parts()
        self.upkeep = Upkeep(self)
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.setMinimumSize(QSize(1024, 640))
        self.restoreGeometry(settings.value("geometry", QByteArray()))  # type: ignore[arg-type]
        self.parts.docks.restore(settings.value("docks"))
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(session.settle)
        self._pulse = QTimer(self)
        self._pulse.setInterval(PULSE_MS)
        self._pulse.timeout.connect(self._check_board)
        self._pulse.start()
        self._kept, self._saving = Autosave(unsaved, self), Saving(session.take, self)
        self.menus, self.own = Menus(self), OwnBoards(self)
        self._connect()
        self.budget.chooser_opened.connect(self.own.fill)
        for act in (session.forget_code, self.upkeep.budgets.ask):
            self.own.changed_elsewhere.connect(act)
        session.on_change(self._changed)
        self.parts.fill_recent(self.recent(), self._kept.files())
        self.budget.favourites = set(self.listed("favourites"))
        self.own.follow(session.state)
        self.set_theme(self.theme_choice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        self.refresh()

    def _name_parts(self) -> None:
        """The parts that commands use, by short names."""
        parts = self.parts
        self.canvas, self.outline, self.budget = parts.canvas, parts.outline, parts.budget
        self.layers, self.log, self.notices = parts.layers, parts.log, parts.notices
        self.status = parts.status
        self.live_panel = parts.live

    def _connect(self) -> None:
        session, parts = self.session, self.parts
        canvas = parts.canvas
        canvas.chosen.connect(session.select)
        canvas.link_chosen.connect(self._show_link)
        for changed in (canvas.remarked, parts.outline.itemSelectionChanged):
            changed.connect(self.actions_.refresh)
        canvas.moved.connect(session.move)
        canvas.files_dropped.connect(self.open_dropped)
        canvas.step_dropped.connect(self.guarded(session.add_step))
        canvas.step_inserted.connect(self.guarded(self._insert))
        canvas.branch_requested.connect(self.menus.branch)
        canvas.menu_requested.connect(self.menus.node)
        parts.outline.chosen.connect(session.select)
        parts.outline.menu_requested.connect(self.menus.node)
        parts.outline.moved.connect(self.move_under)
        parts.outline.step_dropped.connect(self.guarded(session.add_step))
        parts.steps.add_requested.connect(self.add_after_selected)
        parts.settings.edited.connect(self._tune)
        parts.settings.data_requested.connect(lambda: self.ask_data())
        parts.settings.run_requested.connect(lambda: self.run(to_selected=True))
        parts.budget.board_chosen.connect(session.choose_board)
        parts.budget.boards_chosen.connect(session.choose_boards)
        parts.budget.advice.taken.connect(self.guarded(self._follow))
        parts.budget.command_wanted.connect(lambda name: self.actions_.by_id[name].trigger())
        parts.budget.favourites_changed.connect(
            lambda boards: self.settings.setValue("favourites", list(boards))
        )
        parts.board.activated.connect(lambda: session.choose_board(str(parts.board.currentData())))
        parts.plan.activated.connect(lambda: session.choose(**parts.chosen_plan))
        parts.trade_off.chosen.connect(session.select)
        parts.trade_off.limited.connect(session.limit_latency)
        parts.accuracy.chosen.connect(session.select)
        parts.accuracy.noise_wanted.connect(self.upkeep.look_closer)
        parts.docks.changed.connect(self.upkeep.look_closer)
        parts.code.compare_requested.connect(self.compare_code)
        parts.code.generate_requested.connect(self.show_code)
        parts.deploy.flash_requested.connect(self.flash)
        parts.live.flash_requested.connect(self.flash)
        parts.deploy.toolchain_chosen.connect(lambda name: session.choose(toolchain=name))
        parts.live.live_requested.connect(self.live)
        parts.live.stop_requested.connect(self.cancel)
        parts.live.answered_first.connect(partial(self.notices.mended, "Live"))
        for panel in (parts.accuracy, parts.trade_off):
            panel.run_requested.connect(lambda: self.run())
        parts.status.cancel_requested.connect(self.cancel)
        self._kept.failed.connect(partial(self.failed, COPY))
        self._kept.mended.connect(self._kept_again)
        self._saving.saved.connect(self._saved)
        self._saving.failed.connect(partial(self.failed, "Save"))
        parts.welcome.chosen.connect(self._welcome_chosen)
        parts.welcome.tour_wanted.connect(self.tour)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._scheme_changed)

    # ---- what the session says -------------------------------------------------------------

    def _changed(self, old: State, new: State) -> None:
        asked = (new.project, new.model, new.results)
        before = (old.project, old.model, old.results)
        if any(a is not b for a, b in zip(asked, before, strict=True)):
            self.upkeep.budgets.ask()
        self._kept.follow(new)
        self.own.follow(new)
        error = present.application_error(new)
        if error is None:
            self.notices.mended(APPLICATION)
        elif present.application_error(old) is None:
            self.notices.error(error, work=APPLICATION)
        if new.deployment is not old.deployment and new.deployment is not None:
            self._check_deployment(new.deployment)
        self.refresh()
        if new.model is not old.model:
            self._remember(new)
            self.parts.show_refused(new, OPENING)
            self.canvas.setFocus()
            QTimer.singleShot(0, self.canvas.fit)
        elif len(new.project.recipe.nodes) != len(old.project.recipe.nodes):
            QTimer.singleShot(0, self.canvas.keep_fitted)

    def _check_deployment(self, deployment: Deployment) -> None:
        for station in deployment.stations:
            if station.state == "failed":
                where = present.board_name(deployment.board)
                hint = "try another compiler, and keep this project for a report"
                what = f"The board computes something else than the host: {station.text}"
                self.notices.error(BoardError(what, where, hint), work="Flash")

    def refresh(self) -> None:
        """Show the session's state."""
        state = self.session.state
        name = state.project.name or "no model"
        mark = "\u2022 " if state.unsaved else ""
        self.setWindowTitle(f"{mark}{name} \u2014 TinyML Studio")
        self.parts.show_state(state, self._running)
        self.actions_.refresh()
        self.parts.recolour_buttons()
        self.upkeep.look_closer()

    @property
    def idle(self) -> bool:
        """No job runs, and every figure is that of the newest state."""
        return self.foreground is None and not self.upkeep.busy and not self._saving.busy

    # ---- jobs ------------------------------------------------------------------------------

    def start(
        self,
        title: str,
        job: Generator[Progress, None, Update],
        done: str = "",
        failed: Callable[[StudioError], None] | None = None,
        work: str = "",
    ) -> Task | None:
        """Run a job in the foreground, one at a time; `done` is said when it has ended well.

        Errors of the same `work` are over then; by default, that is what has the same title.
        """
        if self.foreground is not None:
            job.close()
            if title != self.foreground.title:  # clicked twice
                self.notices.good(f"{self.foreground.title} is still running", "Cancel it first")
            return None
        task = Task(title, job)
        task.progressed.connect(self._progressed)
        task.succeeded.connect(lambda update: self._succeeded(title, update, done, work or title))
        self._watch(task, failed or partial(self.failed, title, work=work))
        return task

    def _watch(self, task: Task, failed: Callable[[StudioError], None]) -> None:
        task.failed.connect(failed)
        task.crashed.connect(self.show_crash)
        task.ended.connect(self._ended)
        self.foreground, self._target = task, self.session.state.project.board
        self.status.show_progress(task.title, None)
        self.log.add(f"{task.title}: started")
        self.actions_.refresh()
        self.parts.recolour_buttons()
        self.tasks.start(task)

    def _progressed(self, progress: Progress) -> None:
        if self.foreground is None or self.foreground.cancelled:
            return
        self.log.add(progress.text)
        self._progress.put(progress)

    def _show_progress(self, progress: Progress) -> None:
        if self.foreground is None:
            return
        self.status.show_progress(self.foreground.title, progress)
        node = running_node(self.session.state.project.recipe, progress)
        running = present.Running(node, progress.done, progress.text, self._target)
        self._running = running
        self.parts.show_running(self.session.state, running)

    def _succeeded(self, title: str, update: Update, done: str, work: str) -> None:
        self.notices.mended(work)
        self.session.take(update)
        self.log.add(f"{title}: done")
        if done:
            self.notices.good(done)

    def failed(self, title: str, error: StudioError, work: str = "") -> None:
        """Say why a job did not end well."""
        self.log.add(f"{title}: {error}")
        self.notices.error(error, type(error).__name__, work or title)

    def _ended(self) -> None:
        task, self.foreground, self._running = self.foreground, None, None
        self._progress.drop()
        if task is not None and task.cancelled:
            self.log.add(f"{task.title}: cancelled")
        self.parts.live.stop()
        self.status.end_progress()
        self._check_board()
        self.refresh()

    def _check_board(self) -> None:
        """A board that stopped runs nothing, whether a job ended it or somebody else."""
        if self.foreground is None:
            self.session.check_board()

    def show_crash(self, error: BaseException) -> None:
        """Show a bug with its trace."""
        self.log.add(f"internal error: {error!r}")
        CrashDialog(self, error).show()

    def cancel(self) -> None:
        """Stop the job in the foreground."""
        if self.foreground is not None:
            self._progress.drop()
            self.foreground.cancel()

    def guarded(self, act: Callable[..., object]) -> Callable[..., None]:
        """An edit whose refusal is shown as a notice, until the same succeeds."""

        def guarded(*arguments: Any) -> None:
            try:
                act(*arguments)
            except StudioError as error:
                self.notices.error(error, work=act.__qualname__)
            else:
                self.notices.mended(act.__qualname__)

        return guarded

    # ---- commands --------------------------------------------------------------------------

    def open(self, name: str, agree: bool = False, shapes: Shapes = ()) -> None:
        """Open a model, a project or an example ("example:motion"), asking what it needs."""
        if self._kept.owns(name):
            self._kept.claim(Path(name))
        title = f"Opening {Path(name.removeprefix(EXAMPLE)).name}"
        opening = self.session.restore if self._kept.owns(name) else self.session.open
        asking = partial(self._ask_to_open, name, title)
        self.start(title, opening(name, agree, shapes), failed=asking, work=OPENING)

    def _ask_to_open(self, name: str, title: str, error: StudioError) -> None:
        question = question_for(self, error)
        if question is None:
            self.failed(title, error, OPENING)
            return
        self.log.add(f"{title}: {error.what}")
        question.answered.connect(partial(self.open, name, True))
        question.ask()

    def open_data(self, name: str) -> None:
        """Open a data set for the model."""
        self.start(f"Opening {Path(name).name}", self.session.open_data(name), work=DATA)

    def ask_open(self) -> None:
        """Ask for a model or project and open it."""
        path, _ = QFileDialog.getOpenFileName(self, "Open", "", MODEL_FILTER)
        if path:
            self.open(path)

    def ask_data(self) -> None:
        """Ask for a data set and open it."""
        path, _ = QFileDialog.getOpenFileName(self, "Open data")
        if path:
            self.open_data(path)

    def save(self, ask: bool = False) -> None:
        """Save the project, asking for a name where it has none."""
        path = None
        if ask or self.session.state.path is None:
            name = f"{self.session.state.project.name}{SUFFIX}"
            chosen = ask_to_write(self, "Save project", name, f"*{SUFFIX}", SUFFIX)
            if not chosen:
                return
            path = Path(chosen)
        file = self.session.file(path)
        self._saving.begin(file, self.session.saving(file))

    def _saved(self, path: Path) -> None:
        self._remember(self.session.state)
        self.notices.mended("Save")
        self.notices.good(f"Saved {path.name}")

    def ask_model(self) -> None:
        """Ask for a name and save the selected variant's model."""
        name = f"{self.session.state.project.name}_{self.session.state.selected or 'model'}.onnx"
        path = ask_to_write(self, "Save model", name, "*.onnx", ".onnx")
        if path:
            done = f"Saved {Path(path).name}"
            self.start("Save model", self.session.save_model(Path(path)), done)

    def run(self, to_selected: bool = False) -> None:
        """Run the pipeline, or the way to the selected step."""
        node = self.session.state.selected if to_selected else None
        self.start("Run", self.session.run(node))

    def ask_generate(self) -> None:
        """Ask for a folder and write the C project there."""
        folder = QFileDialog.getExistingDirectory(self, "Folder for the C project")
        if folder:
            self.generate(Path(folder))

    def generate(self, folder: Path) -> None:
        """Write the C project of the selected variant into `folder`."""
        self.parts.docks.bring(self.parts.code)
        self.start("Generate", self.session.generate(folder), f"Wrote the C project to {folder}")

    def show_code(self) -> None:
        """Generate the C and show it."""
        self.parts.docks.bring(self.parts.code)
        self.start("Generate", self.session.code())

    def compare_code(self, other: str) -> None:
        """Show how the code of the selected variant differs from another one's."""
        self.parts.code.other.setCurrentIndex(self.parts.code.other.findData(other))
        self.start("Compare code", self.session.compare_code(other))

    def flash(self) -> None:
        """Build, flash, verify and time on the selected board."""
        self.parts.docks.bring(self.parts.deploy)
        self.start("Flash", self.session.deploy(self.parts.deploy.port.port))

    def live(self) -> None:
        """Send the test set to the board and plot what it answers."""
        if self.foreground is not None:
            return
        self.parts.docks.bring(self.parts.live)
        panel = self.parts.live

        def rate_hz() -> float:
            return math.inf if task.cancelled else panel.rate_hz

        task = Task("Live", self.session.live(rate_hz), panel.receive)
        panel.start()
        self._watch(task, partial(self.failed, task.title))

    def set_theme(self, choice: str) -> None:
        """Show `choice`, one of theme.CHOICES, and remember it."""
        self.theme_choice = choice if choice in theme.CHOICES else "system"
        self.settings.setValue("theme", self.theme_choice)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply(application, self.theme_choice)
        self.parts.recolour()
        self.refresh()

    def _scheme_changed(self) -> None:
        if self.theme_choice == "system":
            self.set_theme("system")

    @property
    def shows_tree(self) -> bool:
        """Whether the pipeline is shown as a tree."""
        return self.parts.shows_tree

    def show_tree(self, on: bool) -> None:
        """Show the pipeline as a tree, or as cards."""
        self.parts.show_tree(on)
        self.refresh()

    def change_shortcuts(self) -> ShortcutsDialog:
        """Open the dialog that changes shortcuts."""
        dialog = ShortcutsDialog(self, self.actions_)
        dialog.show()
        return dialog

    def tour(self) -> Tour:
        """Show the four steps from a model to a board."""
        shown = Tour(self, tour_stops(self))
        shown.ended.connect(lambda: self.settings.setValue(TOURED, True))
        return shown

    @property
    def toured(self) -> bool:
        """Whether the tour was seen or skipped."""
        return bool(self.settings.contains(TOURED))

    # ---- edits -----------------------------------------------------------------------------

    def _follow(self, number: int) -> None:
        found = self.session.state.current_advice
        if found is not None:
            self.session.follow(found.changes[number])

    def add_after_selected(self, step: str) -> None:
        """Add a step behind the selected card."""
        if self.session.state.model is None:
            self.notices.good("Open a model first", "then add steps to it")
            return
        self.guarded(self.session.add_step)(step, self.session.state.selected)

    def _insert(self, step: str, child: str) -> None:
        self.session.insert_step(step, child)

    def _tune(self, values: dict[str, Any]) -> None:
        node = self.session.state.selected
        if node == ROOT:
            self.session.choose(**values)
        else:
            self.guarded(self.session.tune)(node, values)
            self._settle.start()

    @property
    def chosen_steps(self) -> tuple[str, ...]:
        """The steps that commands work on: those marked on the canvas, or in the tree."""
        view = self.outline if self.shows_tree else self.canvas
        known = self.session.state.project.recipe.by_id
        return tuple(node for node in view.marked if node in known)

    def move_under(self, node: str, parent: str) -> None:
        """Put a card, with what follows it, below another one; the model stays where it is."""
        if node != ROOT:
            self.guarded(self.session.move_under)(node, parent)

    def _show_link(self, above: str) -> None:
        """Show the model as it is at a link."""
        self.session.select(above)
        self.parts.docks.bring(self.parts.model)

    def paste(self) -> None:
        """Add the steps that the clipboard holds as text below the selected one."""
        text = QGuiApplication.clipboard().text()
        self.guarded(lambda: self.canvas.mark(self._pasted(text)))()

    def _pasted(self, text: str) -> tuple[str, ...]:
        return self.session.paste(text, self.session.state.selected)

    # ---- files -----------------------------------------------------------------------------

    def recent(self) -> list[str]:
        """Names of what was opened last, newest first."""
        return self.listed("recent")

    def listed(self, key: str) -> list[str]:
        """A setting that is a list; Qt gives a single text back as such."""
        found = self.settings.value(key, [])
        return [found] if isinstance(found, str) else list(found or [])  # type: ignore[call-overload]

    def _remember(self, state: State) -> None:
        name = str(state.path) if state.path else state.project.model
        if name:
            kept = [other for other in self.recent() if other != name]
            self.settings.setValue("recent", [name, *kept][:RECENT])
        self.parts.fill_recent(self.recent(), self._kept.files())

    def _kept_again(self) -> None:
        self.notices.mended(COPY)
        self.notices.good("Changes are kept again for the case of a crash")

    def _welcome_chosen(self, name: str) -> None:
        if name:
            self.open(name)
        else:
            self.ask_open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self.parts.welcome.show_drag(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """They go elsewhere."""
        self.parts.welcome.show_drag(False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open a dropped file."""
        self.parts.welcome.show_drag(False)
        self.open_dropped([url.toLocalFile() for url in event.mimeData().urls()])
        event.acceptProposedAction()

    def open_dropped(self, paths: Sequence[str]) -> None:
        """Open a file: a board, or where a model is open data or firmware, by what it is."""
        path = paths[0]
        if paths[1:]:
            self.notices.good(f"Of {len(paths)} files only {Path(path).name} is opened")
        suffix, has_model = Path(path).suffix.lower(), self.session.state.model is not None
        if holds_board(Path(path)):
            self.own.add(path)
        elif has_model and suffix in FIRMWARE_SUFFIXES:
            self.own.add_application(path)
        elif has_model and (suffix in DATA_SUFFIXES or Path(path).is_dir()):
            self.open_data(path)
        else:
            self.open(path)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop the threads and the board; stay where what was saved could not be written."""
        if not self._saving.close():
            event.ignore()
            return
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("docks", self.parts.docks.state())
        self.tasks.stop()
        self.session.close()
        self._kept.close()
        super().closeEvent(event)
