"""The open document, what was computed and measured of it, and the one change signal.

`Session.state` is a value; every change makes a new one and reports `changed(old, new)`, so
that a view refreshes when *its* part `is not` the old one. Long work is a Job that returns
an `Update`: a function from the state of that moment to the next one, which leaves it as it
is where the answer comes too late. Whoever drives the job hands the update to `take`, in the
thread that owns the session.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from studio import project as document
from studio.errors import ProfileError, ProjectError, RecipeError
from studio.job import Job, Progress, finish
from studio.project import ROOT, Application, History, Project
from studio.recipe.recipe import Recipe, parse_recipe, write_recipe
from studio.session import board_work, model_work
from studio.session.derived import Derived
from studio.session.model_work import Shapes
from studio.session.state import Reading, State, Update
from studio.targets.profile import Profile

if TYPE_CHECKING:
    from studio.budget.advice import Change

Changed = Callable[[State, State], None]


class Session:
    """One open document; works without a window."""

    def __init__(self) -> None:
        self._state = State()
        self._derived = Derived()
        self._changed: list[Changed] = []

    @property
    def state(self) -> State:
        """Everything that a view may show."""
        return self._state

    def on_change(self, changed: Changed) -> None:
        """Call `changed(old, new)` after every change."""
        self._changed.append(changed)

    def take(self, update: Update) -> None:
        """Take in what a job returned, if it still answers the present question."""
        self._set(update(self._state))

    def finish(self, job: Job[Update], report: Callable[[Progress], None] = lambda _: None) -> None:
        """Drive a job to its end here and take its answer in."""
        self.take(finish(job, report))

    def close(self) -> None:
        """Stop the board that runs."""
        board_work.stop(self._state.deployment)
        self._set(replace(self._state, deployment=None))

    def forget_code(self) -> None:
        """The file of a board or application is another one now: the code for it may be, too."""
        self._set(replace(self._state, code={}, code_of=None, difference=None))

    def check_board(self) -> None:
        """Take notice of a deployed board that has stopped; not while a job works with it."""
        deployed = self._state.deployment
        if deployed is not None and deployed.running is not None and not deployed.running.alive:
            board_work.stop(deployed)
            self._set(replace(self._state, deployment=replace(deployed, running=None)))

    # ---- jobs ------------------------------------------------------------------------------

    def open(self, name: str, agree: bool = False, shapes: Shapes = ()) -> Job[Update]:
        """Open a model file, a project file, or "example:" and a name.

        Args:
            name: what to open.
            agree: whether code that the model's file holds may run; never kept in a project.
            shapes: of one sample of each input, for formats that do not say it.

        Raises:
            AgreementNeeded, ShapesNeeded: it opens once asked with `agree`, with `shapes`.
            ModelError, ProjectError, DataError, RecipeError: the session stays as it is.
        """
        return model_work.open_any(name, agree, shapes)

    def restore(self, copy: str, agree: bool = False, shapes: Shapes = ()) -> Job[Update]:
        """Open a copy of changes that were not saved: as a project without a file.

        Raises:
            StudioError: as `open`.
        """
        return model_work.restore(copy, agree, shapes)

    def open_data(self, name: str) -> Job[Update]:
        """Open a data set for the model that is open.

        Raises:
            DataError: no data, or data that do not fit the model.
        """
        return model_work.open_data(self._state, name)

    def open_board(self, name: str) -> Job[Update]:
        """Choose a board file of the user's; of a device description, `FILE#DEVICE`.

        Raises:
            DeviceNeeded: a description of several devices, and no device is named.
            ProfileError: no board file, or one that cannot be used.
        """
        return board_work.open_board(name)

    def read_boards(self, names: Sequence[str]) -> Job[dict[str, Profile | ProfileError]]:
        """What board files of the user's say, or why they cannot be read, by their names."""
        return board_work.read_boards(names)

    def open_application(
        self, file: str = "", flash_bytes: int = 0, ram_bytes: int = 0
    ) -> Job[Update]:
        """Take what runs beside the model into account in every budget.

        Args:
            file: an ELF file or linker map of the user's firmware; "" for none.
            flash_bytes: of flash, on top of what the file says.
            ram_bytes: of RAM, likewise.

        Raises:
            BuildError: a file that is not readable, or neither of both.
            ProjectError: no numbers of bytes.
        """
        path = str(Path(file).absolute()) if file else ""
        application = Application(path, flash_bytes, ram_bytes)
        return board_work.open_application(self._state, application)

    def analyse(self) -> Job[Update]:
        """Previews, programs and budgets of every node; milliseconds where little changed."""
        return model_work.analyse(self._state, self._derived)

    def misfits(self, node: str) -> Job[dict[str, str]]:
        """Why steps cannot be applied behind `node`, by step; those that can are absent."""
        return model_work.misfits(self._state, node)

    def examine(self) -> Job[Update]:
        """The graph of the selected node's model, with the operator check."""
        return model_work.examine(self._state)

    def compare_layers(self) -> Job[Update]:
        """The noise of each layer of the selected node against the source model.

        Raises:
            ModelError: onnxruntime cannot run one of them.
        """
        return model_work.compare_layers(self._state)

    def advise(self) -> Job[Update]:
        """What would make the selected node fit the selected board, where it does not."""
        return model_work.advise(self._state)

    def compare_code(self, other: str) -> Job[Update]:
        """Generate the C of the selected node and of `other`, and compare them.

        Raises:
            StudioError: as `code`.
        """
        return board_work.compare_code(self._state, self._derived, other)

    def run(self, node: str | None = None) -> Job[Update]:
        """Run the recipe, or the way to `node`, and evaluate every result.

        Raises:
            RecipeError: a step that fails, or data are missing.
        """
        return model_work.run(self._state, node)

    def saving(self, path: Path) -> Job[Update]:
        """Write the project as it is now to `path`, which becomes its file.

        Raises:
            ProjectError: it cannot be written.
        """
        return model_work.save_project(self._state, path)

    def save_model(self, path: Path) -> Job[Update]:
        """Run the way to the selected node and write its model as ONNX.

        Raises:
            RecipeError: as `run`.
            ModelError: the file cannot be written.
        """
        return model_work.save_model(self._state, path)

    def code(self) -> Job[Update]:
        """Generate the C of the selected node for the selected board, to be read.

        Raises:
            StudioError: as `run`, or an operator that cannot be lowered.
        """
        return board_work.code(self._state, self._derived)

    def generate(self, directory: Path) -> Job[Update]:
        """Write the C project of the selected node and board into `directory`.

        Raises:
            StudioError: as `code`, or a folder that cannot be written.
        """
        return board_work.generate(self._state, self._derived, directory)

    def deploy(self, port: str = "") -> Job[Update]:
        """Build for the selected board, flash it, compare it with the host, and time it.

        Args:
            port: where a board is that runs the model already; it is compared and timed only.

        Raises:
            StudioError: as `code`; BuildError, BoardError on the way.
        """
        return board_work.deploy(self._state, self._derived, port)

    def live(self, rate_hz: Callable[[], float]) -> Generator[Reading, None, None]:
        """Send the test set to the running board again and again, and yield its answers.

        Args:
            rate_hz: windows a second, asked for all the time; infinite for at once.

        Raises:
            BoardError: no board runs, or it stops to answer.
            DataError: there is no data.
        """
        return board_work.live(self._state, rate_hz)

    # ---- edits -----------------------------------------------------------------------------

    def select(self, node: str) -> None:
        """Show the figures of `node`."""
        if node != self._state.selected and (node == ROOT or node in self._recipe.by_id):
            self._set(replace(self._state, selected=node, history=self._state.history.settled()))

    def add_step(self, step: str, parent: str) -> None:
        """Append a step below `parent` and select it."""
        recipe, node = document.add_node(self._recipe, step, parent)
        self._edit(self._project.with_recipe(recipe), selected=node)

    def insert_step(self, step: str, child: str) -> None:
        """Put a step above `child` and select it."""
        recipe, node = document.insert_node(self._recipe, step, child)
        self._edit(self._project.with_recipe(recipe), selected=node)

    def remove(self, *nodes: str) -> None:
        """Remove steps; what came after them follows what came before."""
        above = self._recipe.by_id[nodes[0]].parent
        while above is not None and above in nodes:
            above = self._recipe.by_id[above].parent
        recipe = document.remove_nodes(self._recipe, nodes)
        self._edit(self._project.with_recipe(recipe), above or ROOT)

    def move_under(self, node: str, parent: str) -> None:
        """Put a step, with everything below it, below another one.

        Raises:
            RecipeError: the other one is part of that branch.
        """
        if self._recipe.by_id[node].parent != (parent or None):
            recipe = document.move_branch(self._recipe, node, parent)
            self._edit(self._project.with_recipe(recipe), selected=node)

    def move_up(self, node: str, selected: str = "") -> None:
        """Exchange a step with the one before it.

        Args:
            node: the step.
            selected: what is selected then, if not `node`.

        Raises:
            RecipeError: it is the first step.
        """
        recipe = document.move_up(self._recipe, node)
        self._edit(self._project.with_recipe(recipe), selected=selected or node)

    def duplicate(self, node: str) -> tuple[str, ...]:
        """Add a step and everything below it once more beside it; the new nodes."""
        part = document.fragment(self._recipe, document.branch(self._recipe, node))
        return self._graft(part, self._recipe.by_id[node].parent or ROOT)

    def copied(self, *nodes: str) -> str:
        """Steps as the text of a recipe, to be pasted here or elsewhere."""
        return write_recipe(document.fragment(self._recipe, nodes))

    def paste(self, text: str, parent: str) -> tuple[str, ...]:
        """Add the steps of a recipe's text below `parent`; the new nodes.

        Raises:
            RecipeError: the text is no recipe, or has no steps.
        """
        part = parse_recipe(text, "the clipboard")
        if not part.nodes:
            raise RecipeError("holds no steps", "the clipboard", "copy cards of a pipeline first")
        return self._graft(part, parent)

    def mute(self, *nodes: str) -> None:
        """Skip steps, or take them in again where all are skipped."""
        on = not all(self._recipe.by_id[node].muted for node in nodes)
        recipe = self._recipe
        for node in nodes:
            recipe = document.replace_node(recipe, node, muted=on)
        self._edit(self._project.with_recipe(recipe))

    def rename(self, node: str, title: str) -> None:
        """Give a step a title of the user's; empty for the step's own."""
        self._change(node, title=title.strip())

    def tune(self, node: str, values: Mapping[str, Any]) -> None:
        """Set parameters; changes of one node in a row are one step of undo.

        Raises:
            RecipeError: a value that the step refuses.
        """
        defaults = asdict(self._recipe.by_id[node].kind.make())
        params = {name: value for name, value in values.items() if value != defaults.get(name)}
        self._change(node, f"tune {node}", params=MappingProxyType(params))

    def move(self, positions: Mapping[str, document.Position]) -> None:
        """Put cards elsewhere."""
        self._edit(self._project.moved(positions))

    def tidy(self) -> None:
        """Forget where cards were moved to."""
        self._edit(replace(self._project, positions=MappingProxyType({})))

    def choose_board(self, board: str) -> None:
        """Generate for and flash this board; it is compared with the others."""
        self._edit(self._project.on_board(board))

    def choose_boards(self, boards: tuple[str, ...]) -> None:
        """Compare these boards; the selected one stays among them."""
        board = self._project.board
        chosen = board if board in boards or not boards else boards[0]
        self._edit(replace(self._project, boards=boards or (board,), board=chosen))

    def choose(self, **choices: str) -> None:
        """Set some of `project.Choices`; streamed input and plan small go together."""
        for name, value in choices.items():
            if value not in document.CHOICES.get(name, ()):
                raise ProjectError(f"'{value}' is no choice", name)
        self._edit(self._project.chosen(**choices))

    def follow(self, change: Change) -> None:
        """Make a change that was advised for the selected node, as one edit."""
        project, selected = self._project, self._state.selected
        if change.kind == "board":
            project = project.on_board(change.budget.profile.id)
        chosen = {name: getattr(change.options, name) for name in ("plan", "weights")}
        project = project.chosen(**chosen)
        if change.step:
            recipe, selected = document.add_node(project.recipe, change.step, selected)
            project = project.with_recipe(recipe)
        self._edit(project, selected=selected)

    def limit_latency(self, most_ms: float) -> None:
        """Set what an inference may take, in milliseconds; 0 for no limit."""
        limited = replace(self._project, latency_limit_ms=max(most_ms, 0.0))
        self._edit(limited, gesture="limit latency")

    def undo(self) -> None:
        """Put the project back to what it was before the last edit."""
        self._go(self._state.history.undo())

    def redo(self) -> None:
        """Do again what was undone."""
        self._go(self._state.history.redo())

    def settle(self) -> None:
        """A gesture is over: the next edit is a step of undo of its own."""
        self._set(replace(self._state, history=self._state.history.settled()))

    def save(self, path: Path | None = None) -> Path:
        """Write the project to its file, or to `path`, which becomes its file; that file.

        Raises:
            ProjectError: there is no path yet, or it cannot be written.
        """
        target = self.file(path)
        self.finish(self.saving(target))
        return target

    def file(self, path: Path | None = None) -> Path:
        """Where the project is written when it is saved, or when it is saved as `path`.

        Raises:
            ProjectError: there is no path yet.
        """
        target = path or self._state.path
        if target is None:
            raise ProjectError("the project has no file yet", hint="save it under a name")
        return document.project_file(target)

    # ---- inside ----------------------------------------------------------------------------

    @property
    def _project(self) -> Project:
        return self._state.project

    @property
    def _recipe(self) -> Recipe:
        return self._project.recipe

    def _graft(self, part: Recipe, parent: str) -> tuple[str, ...]:
        recipe, made = document.graft(self._recipe, part, parent)
        self._edit(self._project.with_recipe(recipe), selected=made[0])
        return made

    def _change(self, node: str, gesture: str = "", **changes: Any) -> None:
        recipe = document.replace_node(self._recipe, node, **changes)
        self._edit(self._project.with_recipe(recipe), gesture=gesture)

    def _edit(self, project: Project, selected: str | None = None, gesture: str = "") -> None:
        self._go(self._state.history.edit(project, gesture), selected)

    def _go(self, history: History, selected: str | None = None) -> None:
        wanted = self._state.selected if selected is None else selected
        if wanted != ROOT and wanted not in history.now.recipe.by_id:
            wanted = model_work.last_variant(history.now)
        self._set(replace(self._state, history=history, selected=wanted))

    def _set(self, state: State) -> None:
        old, self._state = self._state, state
        if state is not old:
            for changed in tuple(self._changed):
                changed(old, state)


__all__ = ["ROOT", "Reading", "Session", "State", "Update"]
