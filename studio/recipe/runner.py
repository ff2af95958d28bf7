"""Running a recipe: previews at once, results from the cache or a worker process."""

from __future__ import annotations

import hashlib
import inspect
import shutil
from functools import cache as memoize
from pathlib import Path
from weakref import WeakKeyDictionary

from studio import __version__, compression
from studio.compression.step import Needs
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import Job, Progress, as_part, in_process
from studio.model.model import Model
from studio.recipe.cache import Cache, key_of
from studio.recipe.recipe import Node, Recipe, full_params

Models = dict[str, Model]
_previews: WeakKeyDictionary[Model, dict[str, Model]] = WeakKeyDictionary()
_PREVIEWS_KEPT = 4


def preview(recipe: Recipe, model: Model) -> Models:
    """The model behind each node, exact in structure, with placeholder numbers.

    A node whose input and parameters are as before gives the same object again.

    Raises:
        RecipeError: a step that cannot be applied.
    """
    results: Models = {}
    for node in recipe.nodes:
        source = results[node.parent] if node.parent else model
        results[node.id] = source if node.muted else _preview(node, source)
    return results


def _preview(node: Node, source: Model) -> Model:
    known = _previews.setdefault(source, {})
    key = node.work
    if key not in known:
        while len(known) >= _PREVIEWS_KEPT:
            del known[next(iter(known))]
        known[key] = node.kind.plan(node.settings, source)
    return known[key]


def run(recipe: Recipe, model: Model, data: Dataset | None, cache: Cache) -> Job[Models]:
    """The model behind each node, computed on data.

    Results that the cache has are taken from it; the rest are computed in one worker process
    and cached one by one, so that a cancelled run keeps what it finished. A training that was
    interrupted goes on after its last complete epoch and ends as if it had never stopped.

    Raises:
        RecipeError: a step that cannot be applied, or that needs data where there are none.
        DataError: data that do not fit the model.
    """
    results: Models = {}
    pending: list[Node] = []
    for node in recipe.nodes:
        _refuse_missing_data(node, data)
        if node.parent in {other.id for other in pending}:
            pending.append(node)
            continue
        source = results[node.parent] if node.parent else model
        found = source if node.muted else cache.get(_key(node, source, data), model.name)
        if found is None:
            pending.append(node)
        else:
            results[node.id] = found
    if pending:
        text = f"Starting {pending[0].kind.title.lower()}"
        results |= yield from in_process(
            _compute, tuple(pending), model, dict(results), data, cache,
            text=text, failure=RecipeError,
        )  # fmt: skip
    yield Progress("Done", 1.0)
    return {node.id: results[node.id] for node in recipe.nodes}


def _compute(
    nodes: tuple[Node, ...], model: Model, results: Models, data: Dataset | None, cache: Cache
) -> Job[Models]:
    cache.tidy()
    fresh: Models = {}
    for index, node in enumerate(nodes):
        source = {**results, **fresh}[node.parent] if node.parent else model
        if node.muted:
            fresh[node.id] = source
            continue
        key = _key(node, source, data)
        job = node.kind.start(node.settings, source, data, cache.unfinished(key))
        title = node.title or node.kind.title
        fresh[node.id] = yield from as_part(
            job, index / len(nodes), (index + 1) / len(nodes), f"{title}: "
        )
        cache.put(key, fresh[node.id])
        shutil.rmtree(cache.unfinished(key), ignore_errors=True)
    return fresh


def _refuse_missing_data(node: Node, data: Dataset | None) -> None:
    if node.muted or node.kind.needs is Needs.NOTHING:
        return
    if data is None:
        raise RecipeError("needs data", f"node {node.id} ({node.step})", "choose a data set")
    if Needs.LABELS in node.kind.needs and data.y is None:
        raise RecipeError("needs labels", f"node {node.id} ({node.step})", "the data have none")


def _key(node: Node, source: Model, data: Dataset | None) -> str:
    needs = node.kind.needs is not Needs.NOTHING
    return key_of(
        {
            "model": source.digest,
            "step": node.step,
            "code": _code_digest(),
            "params": full_params(node),
            "data": data.digest if needs and data is not None else "",
        }
    )


@memoize
def _code_digest() -> str:
    """Stands for the code of the compression room, so that a changed step is computed anew."""
    state = hashlib.sha256(__version__.encode())
    for file in sorted(Path(inspect.getfile(compression)).parent.glob("*.py")):
        state.update(file.read_bytes())
    return state.hexdigest()
