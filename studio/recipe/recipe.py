"""Recipe: a tree of compression steps over a model; every leaf is a variant.

A recipe file is TOML:

    name = "Safe int8"
    [[node]]
    id = "int8"
    step = "quantize_int8"
    parent = "fold"            # absent: works on the opened model
    params = { samples = 256 } # absent ones have the step's defaults
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studio.compression.step import Step, steps
from studio.errors import RecipeError

Params = Mapping[str, Any]
_FIELDS: dict[str, type] = {
    "id": str,
    "step": str,
    "parent": str,
    "params": dict,
    "muted": bool,
    "title": str,
}


@dataclass(frozen=True)
class Node:
    """One step in a recipe.

    Attributes:
        id: its name in the recipe.
        step: id of the Step.
        params: the parameters that differ from the step's defaults.
        parent: id of the node whose result it works on; None for the opened model.
        muted: passes its parent's result on unchanged.
        title: for people; empty for the step's own.
    """

    id: str
    step: str
    params: Params = field(default_factory=lambda: MappingProxyType({}))
    parent: str | None = None
    muted: bool = False
    title: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        values = self.id, self.step, dict(self.params), self.parent, self.muted, self.title
        return Node, values

    @property
    def kind(self) -> Step:
        """What it does.

        Raises:
            RecipeError: there is no such step.
        """
        known = steps()
        if self.step not in known:
            raise RecipeError(
                f"there is no step '{self.step}'",
                f"node {self.id}",
                f"there are: {', '.join(known)}",
            )
        return known[self.step]

    @cached_property
    def settings(self) -> Any:
        """The step's parameter object, checked.

        Raises:
            RecipeError: an unknown parameter or a bad value.
        """
        return self.kind.make(**self.params)

    @cached_property
    def work(self) -> str:
        """Step and all parameters as text, equal where the same is done."""
        return json.dumps([self.step, full_params(self)])


@dataclass(frozen=True)
class Recipe:
    """Nodes in an order in which each comes after its parent.

    Raises:
        RecipeError: two nodes of one id, a parent that is missing or comes later, a bad node.
    """

    nodes: tuple[Node, ...] = ()
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for node in self.nodes:
            if not node.id or node.id in seen:
                raise RecipeError(
                    f"two nodes are called '{node.id}'",
                    self.name or "recipe",
                    "give each node an id of its own",
                )
            if node.parent is not None and node.parent not in seen:
                raise RecipeError(
                    f"the parent '{node.parent}' is not a node before it",
                    f"node {node.id}",
                    "write the parent's [[node]] above, or mend its id",
                )
            seen.add(node.id)
            node.settings  # noqa: B018  raises on what is wrong with it

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def variants(self) -> tuple[Node, ...]:
        """The leaves: nodes that are nobody's parent."""
        parents = {node.parent for node in self.nodes}
        return tuple(node for node in self.nodes if node.id not in parents)

    def path(self, id: str) -> tuple[Node, ...]:
        """The nodes from the first step to this one.

        Raises:
            RecipeError: there is no such node.
        """
        if id not in self.by_id:
            raise RecipeError(
                f"there is no node '{id}'",
                self.name or "recipe",
                "choose one of the recipe's nodes",
            )
        node = self.by_id[id]
        return (*(self.path(node.parent) if node.parent else ()), node)


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: no such file, no TOML, a field that is unknown, missing or of a wrong type.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            f"cannot be read: {error.strerror}",
            str(path),
            "check the file's name and that you may read it",
        ) from None
    except UnicodeDecodeError:
        raise RecipeError("is no text file", str(path), "open a recipe, a TOML file") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, where: str = "recipe") -> Recipe:
    """A recipe from TOML text.

    Raises:
        RecipeError: as `read_recipe`.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            f"is no TOML: {error}", where, "mend that line; texts stand in quotes"
        ) from None
    return from_plain(table, where)


def from_plain(table: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from plain values, as `to_plain` makes them.

    Raises:
        RecipeError: a field that is unknown, missing or of a wrong type.
    """
    if unknown := set(table) - {"name", "description", "node"}:
        raise RecipeError(
            f"unknown field '{min(unknown)}'", where, "there are: name, description, node"
        )
    nodes, name, description = (
        table.get(key, default)
        for key, default in (("node", []), ("name", ""), ("description", ""))
    )
    if not isinstance(nodes, list):
        raise RecipeError("'node' must be an array of tables", where, "write [[node]]")
    for key, value in (("name", name), ("description", description)):
        if not isinstance(value, str):
            raise RecipeError(f"'{key}' must be a text", where, "put it in quotes")
    made = tuple(_node(entry, f"{where}: node {i}") for i, entry in enumerate(nodes, 1))
    return Recipe(made, name, description)


def _node(entry: Any, where: str) -> Node:
    if not isinstance(entry, dict):
        raise RecipeError("is no table", where, "write [[node]]")
    for key in ("id", "step"):
        if not entry.get(key):
            raise RecipeError(f"'{key}' is missing", where, "every [[node]] has an id and a step")
    for key, value in entry.items():
        if key not in _FIELDS:
            raise RecipeError(f"unknown field '{key}'", where, f"there are: {', '.join(_FIELDS)}")
        if type(value) is not _FIELDS[key]:
            raise RecipeError(
                f"'{key}' must be of type {_FIELDS[key].__name__}",
                where,
                "a bool is true or false, a str stands in quotes, a dict is a table",
            )
    return Node(**entry)


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values; defaults are left out."""
    table: dict[str, Any] = {}
    if recipe.name:
        table["name"] = recipe.name
    if recipe.description:
        table["description"] = recipe.description
    entries = []
    for node in recipe.nodes:
        optional = {"parent": node.parent, "params": dict(node.params), "muted": node.muted}
        entry = {"id": node.id, "step": node.step, **optional, "title": node.title}
        entries.append({key: value for key, value in entry.items() if value})
    table["node"] = entries
    return table


def write_recipe(recipe: Recipe) -> str:
    """A recipe as TOML text that `parse_recipe` reads back."""
    import tomli_w

    return tomli_w.dumps(to_plain(recipe))


def full_params(node: Node) -> dict[str, Any]:
    """All parameters of a node, defaults included."""
    return asdict(node.settings)
