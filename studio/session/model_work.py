"""Jobs on models: open, analyse, run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.compression.step import Needs, steps
from studio.errors import ModelError, ProjectError, RecipeError, StudioError
from studio.job import Job, Progress
from studio.project import (
    EXAMPLE,
    ROOT,
    History,
    Project,
    names_project,
    read_project,
    write_project,
)
from studio.recipe.recipe import Recipe
from studio.session.derived import Derived
from studio.session.graph import graph_of
from studio.session.state import Advice, Chain, Noise, Result, State, Update
from studio.writing import check_place, write_whole

if TYPE_CHECKING:
    from studio.data.dataset import Dataset
    from studio.model.model import Model

Shapes = Sequence[Sequence[int]]

COMPARED = 32
"""Samples over which layers are compared."""


def last_variant(project: Project) -> str:
    """The node to show first: the last leaf, or the model."""
    variants = project.recipe.variants
    return variants[-1].id if variants else ROOT


def open_any(name: str, agree: bool = False, shapes: Shapes = ()) -> Job[Update]:
    """A model, a project or an example as a fresh state."""
    path: Path | None = None
    dataset: Dataset | None
    if name.startswith(EXAMPLE):
        project, model, dataset = yield from _open_example(name)
    elif names_project(Path(name)):
        path = Path(name).absolute()
        project = read_project(path)
        model, dataset = yield from _open_parts(project, str(path), agree, shapes)
    else:
        project = Project(model=str(Path(name).absolute()))
        model, dataset = yield from _open_parts(project, name, agree, shapes)
    opened = State(
        history=History(project),
        path=path,
        saved=project,
        model=model,
        datasets={project.data: dataset} if dataset is not None else {},
        selected=last_variant(project),
        graph=graph_of(model),
    )

    def update(now: State) -> State:
        return replace(opened, deployment=now.deployment)

    return update


def restore(copy: str, agree: bool = False, shapes: Shapes = ()) -> Job[Update]:
    """A project file whose path is not the project's own."""
    opened = yield from open_any(copy, agree, shapes)

    def update(now: State) -> State:
        return replace(opened(now), path=None, saved=Project())

    return update


def _open_example(name: str) -> Job[tuple[Project, Model, Dataset]]:
    from studio.recipe.examples import open_example

    yield Progress(f"Opening {name}")
    model, dataset, recipe = yield from open_example(name.removeprefix(EXAMPLE))
    return Project(model=name, data=name, recipe=recipe), model, dataset


def _open_parts(
    project: Project, where: str, agree: bool, shapes: Shapes
) -> Job[tuple[Model, Dataset | None]]:
    from studio.data.dataset import load
    from studio.model.importers import open_model
    from studio.recipe.examples import open_example

    if not project.model:
        raise ProjectError("names no model", where, "open a model and save the project again")
    yield Progress(f"Opening {project.name}")
    if project.model.startswith(EXAMPLE):
        model, dataset, _ = yield from open_example(project.model.removeprefix(EXAMPLE))
        if project.data == project.model:
            return model, dataset
    else:
        model = yield from open_model(project.model, agree, shapes)
    return model, load(project.data) if project.data else None


def open_data(asked: State, name: str) -> Job[Update]:
    """A data set, checked against the model."""
    from studio.data.dataset import load
    from studio.model.evaluate import check_fits

    yield Progress(f"Opening {Path(name).name}")
    if asked.model is None:
        raise ProjectError("no model is open", name, "open a model before its data")
    path = name if name.startswith(EXAMPLE) else str(Path(name).absolute())
    dataset = load(path)
    check_fits(dataset, asked.model)

    def update(now: State) -> State:
        if now.model is not asked.model:
            return now
        history = now.history.edit(replace(now.project, data=path))
        return replace(now, history=history, datasets={**now.datasets, path: dataset})

    return update


def analyse(asked: State, derived: Derived) -> Job[Update]:
    """Views of every node."""
    yield Progress("Computing budgets")
    views = derived.views(asked)

    def update(now: State) -> State:
        same = now.model is asked.model and now.results is asked.results
        return replace(now, views=views) if same and now.project is asked.project else now

    return update


def misfits(asked: State, node: str) -> Job[dict[str, str]]:
    """Why steps cannot be applied to the node's model, by step."""
    model = asked.views[node].model if node in asked.views else asked.model
    found: dict[str, str] = {}
    for step in steps().values():
        yield Progress(step.title)
        if (missing := _missing(step.needs, asked.dataset)) or model is None:
            found[step.id] = missing or "No model is open"
            continue
        try:
            step.preview(step.make(), model)
        except StudioError as error:
            found[step.id] = str(error)
    return found


def _missing(needs: Needs, data: Dataset | None) -> str:
    if needs is not Needs.NOTHING and data is None:
        return "Needs data: File, Open data"
    unlabelled = data is not None and data.y is None
    return "Needs labels: the data have none" if Needs.LABELS in needs and unlabelled else ""


def examine(asked: State) -> Job[Update]:
    """The selected node's graph."""
    model = asked.view.model or (asked.model if asked.selected == ROOT else None)
    yield Progress("Reading the graph")
    examined = graph_of(model) if model is not None else None
    return lambda now: replace(now, graph=examined)


def compare_layers(asked: State) -> Job[Update]:
    """Noise of the selected node's layers, over a few test samples."""
    from studio.model import compare

    result, data = asked.result(asked.selected), asked.dataset
    yield Progress("Comparing the layers with the source")
    if asked.model is None or data is None or result is None or result.model is None:
        return lambda now: now
    x = data.part("test").x[:COMPARED]
    layers = compare.compare_layers(asked.model, result.model, x)
    makers = {v.name: node.name or v.name for node in asked.model.ir.graph for v in node.outputs}
    names = tuple(str(makers[layer.value]) for layer in layers)
    model, noise = result.model, Noise(result.model, len(x), layers, names)
    return lambda now: replace(now, noise={**now.noise, model: noise})


def advise(asked: State) -> Job[Update]:
    """The cheapest changes that make the selected node fit the selected board."""
    from studio.budget.advice import changes

    over, model = asked.over, asked.view.model
    yield Progress("Looking for what would make it fit")
    if over is None or model is None:
        return lambda now: now
    found = Advice(over, changes(model, asked.project.options, over, asked.project.toolchain))
    return lambda now: replace(now, advice=found)


def run(asked: State, node: str | None) -> Job[Update]:
    """Results and evaluations, of all nodes or of the way to one."""
    results = yield from compute(asked, node)
    way = [step.id for step in asked.project.recipe.path(node)] if node else []

    def update(now: State) -> State:
        same = now.model is asked.model and now.dataset is asked.dataset
        ran = frozenset(asked.project.recipe.by_id if node is None else way)
        return replace(now.with_results(results), ran=now.ran | ran) if same else now

    return update


def save_project(asked: State, path: Path) -> Job[Update]:
    """The project as it was when that was asked for, written; what came later is not saved."""
    yield Progress(f"Saving {path.name}")
    write_project(asked.project, path)

    def update(now: State) -> State:
        same = now.model is asked.model
        return replace(now, path=path.absolute(), saved=asked.project) if same else now

    return update


def save_model(asked: State, path: Path) -> Job[Update]:
    """The selected node's model, written."""
    check_place(path, ModelError)
    results = yield from compute(asked, asked.selected)
    model = results[asked.chain(asked.selected)].model
    assert model is not None
    write_whole(path, model.to_bytes(), ModelError)

    def update(now: State) -> State:
        return now.with_results(results) if now.model is asked.model else now

    return update


def compute(asked: State, node: str | None) -> Job[dict[Chain, Result]]:
    """What `run` finds, by chain.

    Raises:
        RecipeError: no model is open, a step fails, or data are missing.
    """
    from studio.recipe import runner
    from studio.recipe.cache import Cache

    if asked.model is None:
        raise RecipeError("no model is open", hint="open a model or an example")
    way = asked.project.recipe
    if node is not None:
        way = replace(way, nodes=way.path(node) if node != ROOT else ())
    yield Progress("Starting", 0.0)
    models = yield from runner.run(way, asked.model, asked.dataset, Cache())
    found: dict[Chain, Result] = {}
    for name, model in {ROOT: asked.model, **models}.items():
        yield Progress(f"Measuring the accuracy of {name or asked.project.name}", 1.0)
        found[asked.chain(name)] = asked.result(name) or _evaluated(model, asked.dataset)
    return found


def _evaluated(model: Model, dataset: Dataset | None) -> Result:
    from studio.model.evaluate import evaluate

    if dataset is None or dataset.y is None:
        return Result(model)
    try:
        return Result(model, evaluate(model, dataset))
    except StudioError as error:
        return Result(model, error=error)


def running_node(recipe: Recipe, progress: Progress) -> str | None:
    """The node that a run's progress is about, by the title that it begins with."""
    return next(
        (n.id for n in recipe.nodes if progress.text.startswith(f"{n.title or n.kind.title}: ")),
        None,
    )
