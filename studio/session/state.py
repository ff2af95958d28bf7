"""What a session knows, as values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.project import ROOT, Application, History, Project
from studio.targets.figure import Figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from studio.budget import Budget
    from studio.budget.advice import Change
    from studio.compiler.program import Program
    from studio.data.dataset import Dataset
    from studio.model.compare import LayerNoise
    from studio.model.evaluate import Evaluation
    from studio.model.model import Model
    from studio.session.graph import Graph

Chain = tuple[Any, ...]
Update = Callable[["State"], "State"]


@dataclass(frozen=True, slots=True, eq=False)
class NodeView:
    """What follows from a node's structure, before anything was run.

    Attributes:
        model: its preview, or what running it gave.
        program: the model, lowered.
        budgets: by board.
        refused: why there is no budget, by board.
        error: why it stops here, or None.
    """

    model: Model | None = None
    program: Program | None = None
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    refused: Mapping[str, StudioError] = field(default_factory=dict)
    error: StudioError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What running a node gave.

    Attributes:
        model: its output.
        evaluation: on the test part of the data, or None where there are no labels.
        error: why it could not be evaluated or run, or None.
    """

    model: Model | None = None
    evaluation: Evaluation | None = None
    error: StudioError | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A stop on the way to the board.

    Attributes:
        title: build, flash, verify or time.
        state: done, running, failed or waiting.
        figures: by name; bytes, samples or instructions.
        text: what was found, in words.
    """

    title: str
    state: str
    figures: Mapping[str, Figure] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Deployment:
    """The last way to a board.

    Attributes:
        board: its id.
        node: the node whose program it runs.
        program: what runs there.
        stations: what was done, in order.
        running: the running board (boards/flashers), or None where it has stopped.
    """

    board: str
    node: str
    program: Program
    stations: tuple[Station, ...]
    running: Any = None

    def figure(self, name: str) -> Figure | None:
        """A figure of any station."""
        return next((s.figures[name] for s in self.stations if name in s.figures), None)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One window that the board answered.

    Attributes:
        board: its id.
        signal: float32 [channels, n], the window as a person would plot it.
        picture: float32 [height, width] where the window is an image, else None.
        scores: float32 [classes].
        labels: class names.
        truth: the class that it should be, or -1.
        round_trip_s: seconds of one run, from the first byte sent to the last one received.
    """

    board: str
    signal: npt.NDArray[np.float32]
    picture: npt.NDArray[np.float32] | None
    scores: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    truth: int
    round_trip_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """How far the layers of `model` are from the source's, over `samples` samples.

    `nodes` are the source's nodes that compute the values of `layers`.
    """

    model: Model
    samples: int
    layers: tuple[LayerNoise, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """What would make the model of `over` fit: the cheapest changes."""

    over: Budget
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CodeDifference:
    """The files of two variants, compared line by line.

    Attributes:
        programs: the other one and the selected one.
        board: for which they were generated.
        files: a unified diff by path; equal files are absent.
    """

    programs: tuple[Program, Program]
    board: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything that a view may show.

    Attributes:
        history: the project and its past.
        path: the project's file, or None.
        saved: the project as the file has it.
        model: the source model, or None.
        datasets: what was opened, by the name that the project has for it.
        selected: the node whose figures are shown.
        views: what follows from the structure, by node.
        results: what was run, by `chain`.
        ran: the nodes that were run with any settings.
        deployment: the last way to a board, or None.
        code: generated files of `code_of`.
        code_of: the program, the board and the application that `code` was generated for.
        graph: the graph of the node that was examined last, at first of the source model.
        noise: how far the layers of models are from the source's.
        difference: the two variants whose code was compared last, or None.
        advice: what was sought last, or None.
    """

    history: History = History(Project())  # noqa: RUF009 - frozen
    path: Path | None = None
    saved: Project = Project()  # noqa: RUF009 - frozen
    model: Model | None = None
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    selected: str = ROOT
    views: Mapping[str, NodeView] = field(default_factory=dict)
    results: Mapping[Chain, Result] = field(default_factory=dict)
    ran: frozenset[str] = frozenset()
    deployment: Deployment | None = None
    code: Mapping[str, bytes] = field(default_factory=dict)
    code_of: tuple[Program, str, Application] | None = None
    graph: Graph | None = None
    noise: Mapping[Model, Noise] = field(default_factory=dict)
    difference: CodeDifference | None = None
    advice: Advice | None = None

    @property
    def project(self) -> Project:
        """The document."""
        return self.history.now

    @property
    def dataset(self) -> Dataset | None:
        """The data that the project names, or None."""
        return self.datasets.get(self.project.data)

    @property
    def current_code(self) -> Mapping[str, bytes]:
        """The generated files, as long as they are those of the selected node and board."""
        program, *asked = self.code_of or (None,)
        same = program is not None and program is self.view.program
        return self.code if same and asked == [self.project.board, self.project.application] else {}

    @property
    def current_graph(self) -> Graph | None:
        """The examined graph, as long as it is the selected node's."""
        return self.graph if self.graph and self.graph.model is self.view.model else None

    @property
    def current_noise(self) -> Noise | None:
        """The noise of the selected node's layers, where it was measured."""
        result = self.result(self.selected)
        return self.noise.get(result.model) if result and result.model else None

    @property
    def over(self) -> Budget | None:
        """The selected node's budget on the selected board, where that does not hold it."""
        found = self.view.budgets.get(self.project.board)
        return found if found and not found.fits else None

    @property
    def current_advice(self) -> Advice | None:
        """What would make the selected node fit the selected board, where that was sought."""
        found = self.advice
        return found if found and found.over is self.over else None

    @property
    def current_difference(self) -> CodeDifference | None:
        """The compared code, as long as it is the selected node's and board's."""
        found = self.difference
        same = found is not None and found.programs[1] is self.view.program
        return found if found and same and found.board == self.project.board else None

    @property
    def deployed(self) -> bool:
        """Whether the last way led the selected node, as it is now, to the selected board."""
        last = self.deployment
        same = last is not None and last.program is self.view.program
        return same and last is not None and last.board == self.project.board

    @property
    def unsaved(self) -> bool:
        """Whether the file does not have the newest project."""
        return self.project is not self.saved

    @property
    def view(self) -> NodeView:
        """The selected node's view."""
        return self.views.get(self.selected, NodeView())

    def result(self, node: str) -> Result | None:
        """What running `node` gave, as long as nothing above it changed."""
        return self.results.get(self.chain(node))

    def chain(self, node: str) -> Chain:
        """What the result of a node depends on, beside the model: data and steps."""
        steps = self.project.recipe.path(node) if node != ROOT else ()
        kept = (step.work for step in steps if not step.muted)
        data = self.dataset.digest if self.dataset is not None else ""
        return (self.project.data, data, *kept)

    def with_results(self, found: Mapping[Chain, Result]) -> State:
        """With more results."""
        return dataclasses.replace(self, results={**self.results, **found})
