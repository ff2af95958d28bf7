"""What a compression step is.

A step is a file in this folder with a frozen dataclass of parameters, a `preview`
(structure only, milliseconds, never reads data), a `run` (a Job) and `STEP`. The form in
the window, the recipe file and the command-line flags come from the dataclass.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.compression.checkpoint import Checkpoints
from studio.errors import RecipeError
from studio.job import Job

if TYPE_CHECKING:
    from studio.data.dataset import Dataset
    from studio.model.model import Model


class Needs(enum.Flag):
    """What a step needs besides the model."""

    NOTHING = 0
    SAMPLES = enum.auto()
    LABELS = enum.auto()


def param(
    default: Any,
    label: str,
    *,
    lo: float | None = None,
    hi: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
    help: str = "",
) -> Any:
    """A parameter of a step: a dataclass field that carries its range and help."""
    return dataclasses.field(
        default=default,
        metadata={
            "label": label,
            "lo": lo,
            "hi": hi,
            "choices": choices,
            "unit": unit,
            "help": help,
        },
    )


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of compression step.

    Attributes:
        params: the frozen dataclass of its parameters; its docstring says what it does.
        preview: (params, model) -> model; exact structure, placeholder numbers.
        run: (params, model, data) -> Job that returns the model; one that trains also takes
            Checkpoints.
        group: the heading it stands under in the palette.
        title: its name for people.
        needs: what it needs besides the model.
        trains: whether it takes long and can go on from a checkpoint.
        takes_state: whether it knows what to do with a model that carries state.
    """

    params: type[Any]
    preview: Callable[[Any, Model], Model]
    run: Callable[..., Job[Model]]
    group: str
    title: str
    needs: Needs = Needs.NOTHING
    trains: bool = False
    takes_state: bool = False

    @property
    def id(self) -> str:
        """The name in recipe files: the module's, such as `fold_batch_norm`."""
        return self.params.__module__.rpartition(".")[2]

    def plan(self, params: Any, model: Model) -> Model:
        """The step's preview.

        Raises:
            RecipeError: no step knows how to keep what a model carries from run to run.
        """
        self._refuse_state(model)
        return self.preview(params, model)

    def _refuse_state(self, model: Model) -> None:
        if model.states and not self.takes_state:
            hint = "put the step Begin each run afresh before it, if a run sees a whole sequence"
            raise RecipeError("the model carries state from run to run", self.id, hint)

    def start(
        self, params: Any, model: Model, data: Dataset | None, folder: Path | None = None
    ) -> Job[Model]:
        """Run the step; one that trains keeps checkpoints in `folder` and goes on from them.

        Raises:
            RecipeError: as `plan`.
        """
        self._refuse_state(model)
        if self.trains:
            return self.run(params, model, data, Checkpoints(folder))
        return self.run(params, model, data)

    def make(self, **values: Any) -> Any:
        """Parameters from plain values, each checked against its range.

        Raises:
            RecipeError: an unknown name, a wrong type, a value out of range.
        """
        fields = {field.name: field for field in dataclasses.fields(self.params)}
        for name, value in values.items():
            if name not in fields:
                raise RecipeError(
                    f"no parameter '{name}'", self.id, f"it has: {', '.join(fields) or 'none'}"
                )
            values[name] = _checked(f"{self.id}.{name}", fields[name], value)
        return self.params(**values)


def offered(data: Dataset | None) -> dict[str, Step]:
    """The steps whose needs the data meet: without labels only those that do without."""
    have = Needs.NOTHING
    if data is not None:
        have |= Needs.SAMPLES | (Needs.NOTHING if data.y is None else Needs.LABELS)
    return {id: step for id, step in steps().items() if step.needs in have}


def _checked(where: str, field: dataclasses.Field[Any], value: Any) -> Any:
    kind = type(field.default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise RecipeError(f"{value!r} is no {kind.__name__}", where, f"such as {field.default!r}")
    lo, hi, choices = (field.metadata[key] for key in ("lo", "hi", "choices"))
    if choices and value not in choices:
        raise RecipeError(
            f"'{value}' is not one of {', '.join(choices)}", where, "choose one of these"
        )
    if (lo is not None and not value >= lo) or (hi is not None and not value <= hi):
        hint = f"without it, it is {field.default!r}"
        raise RecipeError(f"{value} is outside {lo} to {hi}", where, hint)
    return value


@cache
def steps() -> dict[str, Step]:
    """All steps by id: every module in this folder that has a STEP."""
    import studio.compression as room

    found = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        if isinstance(step := getattr(module, "STEP", None), Step):
            found[step.id] = step
    return found
