"""The document: an immutable value, its history, and its file.

A project file (`*.tinyml`) is TOML with keys in a fixed order, so that the same project is
always the same bytes. Paths inside the project's folder are stored relative to it.

    version = 1
    model = "example:motion"          # or a file
    data = "example:motion"
    boards = ["virtual/mps2-an386"]   # the ones to compare
    board = "virtual/mps2-an386"      # the one to generate for and to flash
    toolchain = "zig"
    plan = "layerwise"
    rounding = "model"                # as the model's metadata says
    weights = "flash"                 # or "ram": start-up code copies them there
    input = "whole"                   # or "rows", which the firmware brings as the run goes
    latency_limit_ms = 0.0            # what the trade-off shows as the limit; 0 is none

    [application]                     # of the user's own, beside the model
    file = "build/app.elf"            # or a linker map; "" is none
    flash_bytes = 0                   # what comes on top of the file, by hand
    ram_bytes = 0

    [recipe]                          # as in a recipe file

    [positions]                       # of the cards that the user moved
    int8 = [240.0, 0.0]
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studio.compiler.program import PLANS, ROUNDINGS, WEIGHTS, Options
from studio.compression.step import param
from studio.errors import ProjectError, RecipeError
from studio.recipe.recipe import Node, Recipe, from_plain, to_plain
from studio.targets.library import file_and_device, names_file, of_device
from studio.writing import write_whole

ROOT = ""
"""The opened model, where a node's id is expected."""

VERSION = 1
SUFFIX = ".tinyml"
EXAMPLE = "example:"
BOARDS = (
    "virtual/mps2-an386", "stm32f746g_disco", "nano33ble_sense", "rpi_pico", "bluepill_f103c8",
)  # fmt: skip
HISTORY_LIMIT = 500
MOST_BYTES = (1 << 31) - 1
"""The most that an application may be said to take."""
INPUTS = ("whole", "rows")
STREAMING_PLAN = "small"
"""The only plan that takes the input row by row."""

Position = tuple[float, float]
_FIELDS: dict[str, type] = {
    "version": int, "model": str, "data": str, "boards": list, "board": str, "toolchain": str,
    "plan": str, "rounding": str, "weights": str, "input": str, "latency_limit_ms": float,
    "application": dict, "recipe": dict, "positions": dict,
}  # fmt: skip
_APPLICATION: dict[str, type] = {"file": str, "flash_bytes": int, "ram_bytes": int}


@dataclass(frozen=True, slots=True)
class Choices:
    """How every variant is planned, rounded and compiled."""

    toolchain: str = param(
        "zig", "C compiler for boards", choices=("zig", "gcc"), help="gcc is arm-none-eabi-gcc."
    )
    plan: str = param(PLANS[0], "How memory is planned", choices=PLANS)
    rounding: str = param(
        "model",
        "When integers round",
        choices=("model", *ROUNDINGS),
        help="Model: as its metadata says, else single.",
    )
    weights: str = param(
        WEIGHTS[0],
        "Where weights are read from",
        choices=WEIGHTS,
        help="RAM: start-up code copies them there from flash. The budget counts them in both; "
        "what that gains is not estimated.",
    )
    input: str = param(
        INPUTS[0],
        "How the model gets its input",
        choices=INPUTS,
        help="Rows: the firmware brings them one by one as the run goes, with plan small; the "
        "arena then holds a few of them.",
    )


CHOICES: dict[str, tuple[str, ...]] = {
    field.name: field.metadata["choices"] for field in fields(Choices)
}
_OLD_WEIGHTS = ("int8", "int16")  # of earlier files: they lay in flash


@dataclass(frozen=True, slots=True)
class Application:
    """What runs beside the model: a linked firmware of the user's, and bytes stated by hand.

    Attributes:
        file: path of an ELF file or linker map; "" where there is none.
        flash_bytes, ram_bytes: what comes on top of what the file says.
    """

    file: str = ""
    flash_bytes: int = 0
    ram_bytes: int = 0


@dataclass(frozen=True)
class Project:
    """Everything that the user decided.

    Attributes:
        model: path of the model file, or "example:" and a name; "" where none is open.
        data: path of the data set, or "example:" and a name; "" where there is none.
        recipe: the tree of steps.
        positions: scene positions of cards that the user moved, in pixels.
        boards: the boards to compare.
        board: the board to generate for and to flash.
        toolchain, plan, rounding, weights, input: as in Choices.
        latency_limit_ms: the most that an inference may take; 0 where that does not matter.
        application: what takes memory beside the model.
    """

    model: str = ""
    data: str = ""
    recipe: Recipe = field(default_factory=Recipe)
    positions: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    boards: tuple[str, ...] = BOARDS
    board: str = BOARDS[0]
    toolchain: str = "zig"
    plan: str = PLANS[0]
    rounding: str = "model"
    weights: str = WEIGHTS[0]
    input: str = INPUTS[0]
    latency_limit_ms: float = 0.0
    application: Application = Application()

    @property
    def options(self) -> Options:
        """The choices that change the Program."""
        rounding: Any = None if self.rounding == "model" else self.rounding
        return Options(
            plan=self.plan,
            rounding=rounding,
            weights=self.weights,
            stream_input=self.input == "rows",
        )

    @property
    def choices(self) -> Choices:
        """What holds for every variant, for a form."""
        return Choices(**{name: getattr(self, name) for name in CHOICES})

    @property
    def name(self) -> str:
        """The model's name, for titles."""
        return Path(self.model.removeprefix(EXAMPLE)).stem

    def chosen(self, **choices: str) -> Project:
        """With other choices; of plan and input, the one that changes has its way."""
        plan, streamed = choices.get("plan", self.plan), choices.get("input", self.input) == "rows"
        if streamed and plan != STREAMING_PLAN:
            asked = self.input != "rows"
            choices |= {"plan": STREAMING_PLAN} if asked else {"input": INPUTS[0]}
        return replace(self, **choices)  # type: ignore[arg-type]

    def on_board(self, board: str) -> Project:
        """To generate for and to flash this board; it is compared with the others."""
        boards = tuple(dict.fromkeys((*self.boards, board)))
        return replace(self, board=board, boards=boards)

    def moved(self, positions: Mapping[str, Position]) -> Project:
        """With cards at other places."""
        return replace(self, positions=MappingProxyType({**self.positions, **positions}))

    def with_recipe(self, recipe: Recipe) -> Project:
        """With another recipe; positions of nodes that are gone are dropped."""
        kept = {ROOT, *recipe.by_id}
        positions = {node: at for node, at in self.positions.items() if node in kept}
        return replace(self, recipe=recipe, positions=MappingProxyType(positions))


# ---- edits of the tree ---------------------------------------------------------------------


def add_node(recipe: Recipe, step: str, parent: str) -> tuple[Recipe, str]:
    """Append a step below `parent`; the recipe and the new node's id.

    Raises:
        RecipeError: there is no such step.
    """
    node = Node(_free_id(recipe, step), step, parent=parent or None)
    return replace(recipe, nodes=(*recipe.nodes, node)), node.id


def insert_node(recipe: Recipe, step: str, child: str) -> tuple[Recipe, str]:
    """Put a step between `child` and its parent; the recipe and the new node's id."""
    below = recipe.by_id[child]
    node = Node(_free_id(recipe, step), step, parent=below.parent)
    nodes: list[Node] = []
    for other in recipe.nodes:
        nodes += [node, replace(other, parent=node.id)] if other is below else [other]
    return replace(recipe, nodes=tuple(nodes)), node.id


def remove_nodes(recipe: Recipe, ids: Collection[str]) -> Recipe:
    """Remove nodes; what came after them follows what came before."""
    kept = []
    for node in recipe.nodes:
        parent = node.parent
        while parent is not None and parent in ids:
            parent = recipe.by_id[parent].parent
        if node.id not in ids:
            kept.append(replace(node, parent=parent))
    return replace(recipe, nodes=tuple(kept))


def move_branch(recipe: Recipe, id: str, parent: str) -> Recipe:
    """Put a node, with everything below it, below another one; "" is the model.

    Raises:
        RecipeError: the other one is part of the branch.
    """
    moved = branch(recipe, id)
    if parent in moved:
        raise RecipeError("cannot stand below itself", f"node {id}", "choose another place")
    stay = [node for node in recipe.nodes if node.id not in moved]
    go = [recipe.by_id[node] for node in moved]
    return replace(recipe, nodes=(*stay, replace(go[0], parent=parent or None), *go[1:]))


def move_up(recipe: Recipe, id: str) -> Recipe:
    """Exchange a node with the one before it.

    Raises:
        RecipeError: it is the first one.
    """
    node = recipe.by_id[id]
    if node.parent is None:
        raise RecipeError("is the first step", f"node {id}", "")
    above = recipe.by_id[node.parent]
    nodes: list[Node] = []
    for other in recipe.nodes:
        if other is above:
            nodes += [replace(node, parent=above.parent), replace(above, parent=id)]
        elif other is not node:
            nodes.append(replace(other, parent=above.id) if other.parent == id else other)
    return replace(recipe, nodes=tuple(nodes))


def branch(recipe: Recipe, id: str) -> tuple[str, ...]:
    """A node and everything below it."""
    found = [id]
    for node in recipe.nodes:  # a node stands after its parent
        if node.parent in found:
            found.append(node.id)
    return tuple(found)


def fragment(recipe: Recipe, ids: Collection[str]) -> Recipe:
    """These nodes alone, each below the nearest one of them above it."""
    others = [node.id for node in recipe.nodes if node.id not in ids]
    return replace(remove_nodes(recipe, others), name="", description="")


def graft(recipe: Recipe, part: Recipe, parent: str) -> tuple[Recipe, tuple[str, ...]]:
    """Add the nodes of `part` below `parent` under ids that are free; the recipe and those ids."""
    named: dict[str, str] = {}
    for node in part.nodes:
        named[node.id] = _free_id(recipe, node.step)
        above = named[node.parent] if node.parent else parent or None
        copy = replace(node, id=named[node.id], parent=above)
        recipe = replace(recipe, nodes=(*recipe.nodes, copy))
    return recipe, tuple(named.values())


def replace_node(recipe: Recipe, id: str, **changes: Any) -> Recipe:
    """Change fields of one node.

    Raises:
        RecipeError: a parameter that the step refuses.
    """
    nodes = tuple(replace(n, **changes) if n.id == id else n for n in recipe.nodes)
    return replace(recipe, nodes=nodes)


def _free_id(recipe: Recipe, step: str) -> str:
    taken, number = recipe.by_id, 1
    while (name := step if number == 1 else f"{step}_{number}") in taken:
        number += 1
    return name


# ---- history -------------------------------------------------------------------------------


@dataclass(frozen=True)
class History:
    """A project with its past and, after undo, its future. Undo puts the old value back.

    Attributes:
        now: the document.
        past: older ones, the last one first to come back.
        future: undone ones, the last one first to be done again.
        gesture: edits of one gesture, such as dragging a slider, are one step of undo.
    """

    now: Project
    past: tuple[Project, ...] = ()
    future: tuple[Project, ...] = ()
    gesture: str = ""

    def edit(self, project: Project, gesture: str = "") -> History:
        """The history after an edit; nothing where nothing changed."""
        if project == self.now:
            return self
        merged = bool(gesture) and gesture == self.gesture
        past = self.past if merged else (*self.past, self.now)[-HISTORY_LIMIT:]
        return History(project, past, (), gesture)

    def settled(self) -> History:
        """The gesture is over: the next edit is a step of its own."""
        return replace(self, gesture="") if self.gesture else self

    def undo(self) -> History:
        """One step back, as far as there is a past."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (*self.future, self.now))

    def redo(self) -> History:
        """One step forward, as far as there is a future."""
        if not self.future:
            return self
        return History(self.future[-1], (*self.past, self.now), self.future[:-1])


# ---- file ----------------------------------------------------------------------------------


def to_text(project: Project, folder: Path) -> str:
    """The project as the text of a file in `folder`; equal projects give equal text."""
    import tomli_w

    table = {
        "version": VERSION,
        "model": _relative(project.model, folder),
        "data": _relative(project.data, folder),
        "boards": [_relative_board(board, folder) for board in project.boards],
        "board": _relative_board(project.board, folder),
        **{key: getattr(project, key) for key in (*CHOICES, "latency_limit_ms")},
        "application": {
            **asdict(project.application),
            "file": _relative(project.application.file, folder),
        },
        "recipe": to_plain(project.recipe),
        "positions": {node: list(at) for node, at in sorted(project.positions.items())},
    }
    return tomli_w.dumps(table)


def from_text(text: str, where: Path) -> Project:
    """A project from the text of the file `where`.

    Raises:
        ProjectError: no TOML, another version, a key that is unknown or missing, a wrong type.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(
            f"is no TOML: {error}",
            str(where),
            "mend that line, or take a saved copy of the project",
        ) from None
    if table.get("weights") in _OLD_WEIGHTS:
        table["weights"] = CHOICES["weights"][0]
    _check(table, str(where))
    try:
        recipe = from_plain(table.get("recipe", {}), str(where))
    except RecipeError as error:
        raise ProjectError(error.what, f"{where}: {error.where}", error.hint) from None
    application = table.get("application", {})
    file = _absolute(application.get("file", ""), where.parent)
    boards = (_absolute_board(board, where.parent) for board in table.get("boards", BOARDS))
    return Project(
        model=_absolute(table["model"], where.parent),
        data=_absolute(table.get("data", ""), where.parent),
        recipe=recipe,
        positions=_positions(table.get("positions", {}), recipe, str(where)),
        boards=tuple(dict.fromkeys(boards)),
        board=_absolute_board(table.get("board", BOARDS[0]), where.parent),
        latency_limit_ms=float(table.get("latency_limit_ms", 0.0)),
        application=Application(**{**application, "file": file}),
        **{key: table[key] for key in CHOICES if key in table},
    )


def project_file(path: Path) -> Path:
    """A path with the suffix of a project's file."""
    return path if names_project(path) else path.with_name(path.name + SUFFIX)


def names_project(path: Path) -> bool:
    """Whether a path has that suffix, in capitals or not."""
    return path.suffix.lower() == SUFFIX


def read_project(path: Path) -> Project:
    """Read a project file.

    Raises:
        ProjectError: not readable, or as `from_text`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProjectError(
            f"cannot be read: {error.strerror}",
            str(path),
            "check the file's name and that you may read it",
        ) from None
    except UnicodeDecodeError:
        raise ProjectError("is no text file", str(path), "open a *.tinyml file") from None
    return from_text(text, path.absolute())


def write_project(project: Project, path: Path) -> None:
    """Write a project file; it is the old or the new one, never half of it.

    Raises:
        ProjectError: the file cannot be written.
    """
    try:
        data = to_text(project, path.absolute().parent).encode()
    except UnicodeEncodeError:
        hint = "rename the model, data, board or application, or the folder that it is in"
        raise ProjectError("a path in it is no Unicode text", ascii(str(path)), hint) from None
    write_whole(path, data, ProjectError)


def _check(table: dict[str, Any], where: str) -> None:
    version = table.get("version")
    if type(version) is not int:
        raise ProjectError("has no version", where, "is it a project of this program?")
    if version != VERSION:
        hint = "it was written by a newer program; update this one" if version > VERSION else ""
        raise ProjectError(f"has version {version}, this program reads {VERSION}", where, hint)
    for key, value in table.items():
        if key not in _FIELDS:
            raise ProjectError(f"unknown key '{key}'", where, f"there are: {', '.join(_FIELDS)}")
        whole = _FIELDS[key] is float and type(value) is int
        if type(value) is not _FIELDS[key] and not whole:
            raise ProjectError(
                f"'{key}' is no {_FIELDS[key].__name__}",
                where,
                f"write a {_FIELDS[key].__name__} there",
            )
    if "model" not in table:
        raise ProjectError(
            "'model' is missing", where, "write model = with the path of the model's file in quotes"
        )
    if not 0 <= table.get("latency_limit_ms", 0.0) < math.inf:
        raise ProjectError("'latency_limit_ms' is no time", where, "0 is no limit")
    for key, allowed in CHOICES.items():
        if table.get(key, allowed[0]) not in allowed:
            raise ProjectError(f"{key} = '{table[key]}'", where, f"one of {', '.join(allowed)}")
    if not all(isinstance(board, str) for board in table.get("boards", ())):
        raise ProjectError(
            "'boards' is no list of texts", where, "such as boards = ['nucleo_f401re']"
        )
    _check_application(table.get("application", {}), f"{where}: application")


def _check_application(table: dict[str, Any], where: str) -> None:
    for key, value in table.items():
        if key not in _APPLICATION:
            hint = f"there are: {', '.join(_APPLICATION)}"
            raise ProjectError(f"unknown key '{key}'", where, hint)
        if type(value) is not _APPLICATION[key]:
            kind = _APPLICATION[key]
            raise ProjectError(f"'{key}' is no {kind.__name__}", where, f"such as {kind()!r}")
        if isinstance(value, int) and not 0 <= value <= MOST_BYTES:
            raise ProjectError(f"'{key}' is no size", where, "write bytes, 0 for none")


def _positions(table: dict[str, Any], recipe: Recipe, where: str) -> Mapping[str, Position]:
    found: dict[str, Position] = {}
    for node, at in table.items():
        numbers = isinstance(at, list) and [float(v) for v in at if type(v) in (int, float)]
        if not numbers or len(numbers) != 2 or len(at) != 2:
            raise ProjectError(
                f"the position of '{node}' is no [x, y]",
                where,
                "write two numbers, or leave it out",
            )
        if node == ROOT or node in recipe.by_id:
            found[node] = (numbers[0], numbers[1])
    return MappingProxyType(found)


def _relative(path: str, folder: Path) -> str:
    if not path or path.startswith(EXAMPLE) or not Path(path).is_relative_to(folder):
        return path
    return Path(path).relative_to(folder).as_posix()


def _relative_board(board: str, folder: Path) -> str:
    return _relative(board, folder) if names_file(board) else board


def _absolute_board(board: str, folder: Path) -> str:
    if not names_file(board):
        return board
    file, device = file_and_device(board)
    return of_device(os.path.abspath(folder / file), device)


def _absolute(path: str, folder: Path) -> str:
    return path if not path or path.startswith(EXAMPLE) else str(folder / path)
