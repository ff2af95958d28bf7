"""What follows from the structure of the models, cached so that a slider can ask for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from studio.errors import StudioError
from studio.project import ROOT, Application
from studio.session.state import NodeView, State

if TYPE_CHECKING:
    from studio.budget import Budget, Reserve
    from studio.compiler.program import Options, Program
    from studio.model.model import Model

T = TypeVar("T")
PROGRAMS_KEPT = 64  # with their weights
BUDGETS_KEPT = 512


class Derived:
    """Programs and budgets, the ones used last."""

    def __init__(self) -> None:
        self._programs: _Kept[Program] = _Kept(PROGRAMS_KEPT)
        self._budgets: _Kept[Budget] = _Kept(BUDGETS_KEPT)

    def program(self, model: Model, options: Options) -> Program:
        """The model, lowered.

        Raises:
            Unsupported: a node that no operator lowers.
        """
        from studio.compiler.lower import lower

        return self._programs.once((model.digest, options), lambda: lower(model, options))

    def budget(self, program: Program, board: str, toolchain: str, reserve: Reserve) -> Budget:
        """What the program takes on a board, beside the user's application.

        Raises:
            ProfileError: there is no such board.
        """
        from studio.budget import budget
        from studio.targets.library import profile

        found = profile(board)  # a file of the user's may have changed
        key = (program.origin, program.options, found, toolchain, reserve)
        return self._budgets.once(key, lambda: budget(program, found, toolchain, reserve))

    def views(self, state: State) -> dict[str, NodeView]:
        """A view of the model and of each node of the recipe."""
        if state.model is None:
            return {}
        nodes = (ROOT, *state.project.recipe.by_id)
        return {node: self._view(state, node) for node in nodes}

    def _view(self, state: State, node: str) -> NodeView:
        model = None
        boards = tuple(dict.fromkeys((state.project.board, *state.project.boards)))
        try:
            model = self._model(state, node)
            program = self.program(model, state.project.options)
        except StudioError as error:
            return NodeView(model, error=error)
        try:
            reserve = reserve_of(state.project.application)
        except StudioError as error:
            return NodeView(model, program, {}, dict.fromkeys(boards, error))
        budgets: dict[str, Budget] = {}
        refused: dict[str, StudioError] = {}
        for board in boards:
            try:
                budgets[board] = self.budget(program, board, state.project.toolchain, reserve)
            except StudioError as error:
                refused[board] = error
        return NodeView(model, program, budgets, refused)

    def _model(self, state: State, node: str) -> Model:
        from studio.recipe.runner import preview

        assert state.model is not None
        result = state.result(node)
        if result is not None and result.model is not None:
            return result.model
        if node == ROOT:
            return state.model
        way = replace(state.project.recipe, nodes=state.project.recipe.path(node))
        return preview(way, state.model)[node]


def reserve_of(application: Application) -> Reserve:
    """What the user's application takes.

    Raises:
        BuildError: its file cannot be read.
    """
    from studio.budget.application import reserve

    return reserve(application.file, application.flash_bytes, application.ram_bytes)


class _Kept(Generic[T]):
    """So many values by their keys, the ones used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives; for one key always the same object, whichever thread asks."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = make()
        with self._lock:
            kept = self._known.setdefault(key, made)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return kept
