"""The document: an immutable value, its history, and its file.

A project file (`*.tinyml`) is TOML with keys in a fixed order, so that the same project is
always the same bytes. Paths inside the project's folder are stored relative to it.

    version = 1
    model = "motion"                  # a file, or the name of an example
    data = "motion"
    board = "virtual/mps2-an386"      # the one to generate for and to flash
    boards = ["virtual/mps2-an386"]   # the ones to compare
    toolchain = "zig"
    plan = "layerwise"
    rounding = "single"
    weights = "int8"

    [positions]                       # of the cards that the user moved
    node1 = [240.0, 0.0]

    [recipe]                          # as in a recipe file
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studio.compiler.program import PLANS, ROUNDINGS, WEIGHTS, Options
from studio.errors import ProjectError, RecipeError
from studio.recipe.recipe import Recipe

VERSION = 1
SUFFIX = ".tinyml"
BOARDS = ("virtual/mps2-an386", "stm32f746g_disco", "nano33ble_sense", "rpi_pico", "bluepill_f103c8")
CHOICES = {
    "toolchain": ("zig", "gcc"), "plan": PLANS, "rounding": ROUNDINGS, "weights": WEIGHTS,
}  # fmt: skip
HISTORY_LIMIT = 500

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that the user decided.

    Attributes:
        model: path of the model file, or the name of an example; "" where none is open.
        data: path of the data set, or the name of an example; "" where there is none.
        recipe: the tree of steps.
        positions: scene positions of cards that the user moved, in pixels.
        boards: the boards to compare.
        board: the board to generate for and to flash.
        toolchain, plan, rounding, weights: one of CHOICES each.
    """

    model: str = ""
    data: str = ""
    recipe: Recipe = Recipe()
    positions: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    boards: tuple[str, ...] = BOARDS
    board: str = BOARDS[0]
    toolchain: str = "zig"
    plan: str = PLANS[0]
    rounding: str = ROUNDINGS[0]
    weights: str = WEIGHTS[0]

    @property
    def options(self) -> Options:
        """The choices that change the Program."""
        return Options(plan=self.plan, rounding=self.rounding, weights=self.weights)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The model's name, for titles."""
        return Path(self.model).stem

    def moved(self, node: str, position: Position) -> Project:
        """With the card of `node` at `position`."""
        positions = MappingProxyType({**self.positions, node: position})
        return dataclasses.replace(self, positions=positions)

    def with_recipe(self, recipe: Recipe) -> Project:
        """With another recipe; positions of nodes that are gone are dropped."""
        kept = {node.id for node in recipe.nodes} | {""}
        positions = {node: at for node, at in self.positions.items() if node in kept}
        return dataclasses.replace(self, recipe=recipe, positions=MappingProxyType(positions))
