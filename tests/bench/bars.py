"""The nets and the table of the compression benchmarks: ours beside bar, measured, published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

import numpy as np
from conftest import DATA

from studio.compression.step import steps
from studio.data.dataset import Dataset, load
from studio.job import finish
from studio.model.compare import output_sqnr_db
from studio.model.evaluate import evaluate, infer
from studio.model.importers import open_model
from studio.model.model import Model

BENCH = DATA / "bench"
_FILES = {
    "D": ("digits_dscnn", "digits"),
    "I": ("imu_conv1d", "imu"),
    "GRU": ("imu_gru", "imu"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, ours, whether it meets the bar, and what stands beside it."""

    what: str
    ours: str
    met: bool
    bar: str
    measured: str = ""
    published: str = ""
    seeds: str = "0"


@dataclass(frozen=True)
class Net:
    """A net with its data, and what is measured of those that steps make of it."""

    name: str
    model: Model
    data: Dataset

    def after(self, step: str, **params: Any) -> Model:
        """The result of a step."""
        kind = steps()[step]
        return finish(kind.run(kind.make(**params), self.model, self.data))

    def percent(self, model: Model) -> float:
        """Test accuracy."""
        return 100 * evaluate(model, self.data).accuracy

    def db(self, model: Model) -> float:
        """Signal to quantisation noise of the logits over all test samples."""
        return output_sqnr_db(self.model, model, self.data.test.x)

    def mse(self, model: Model) -> float:
        """Mean squared error of the logits over all test samples."""
        x = self.data.test.x
        return float(np.square(infer(model, x)[0] - infer(self.model, x)[0]).mean())

    def row(
        self,
        what: str,
        ours: float,
        unit: str,
        bar: float | None = None,
        measured: str = "",
        published: str = "",
    ) -> Row:
        """A row for a figure that has to reach its bar, if it has one."""
        asked = "none" if bar is None else f">= {bar:g} {unit}".strip()
        shown = f"{ours:.2f} {unit}".strip()
        met = bar is None or ours >= bar
        return Row(f"{self.name}: {what}", shown, met, asked, measured, published)


@cache
def net(name: str) -> Net:
    """D, I or GRU."""
    model, data = _FILES[name]
    return Net(name, finish(open_model(BENCH / f"{model}.onnx")), load(BENCH / f"{data}.npz"))


def printed(parts: tuple[Callable[[], Iterator[Row]], ...]) -> int:
    """Print all rows as a Markdown table; how many miss their bars."""
    for name in _FILES:
        of = net(name)
        print(f"{name}: {of.model.parameters} parameters, {of.percent(of.model):.2f} % on "
              f"{len(of.data.test)} test samples")  # fmt: skip
    print("\n| What | Ours | Bar | Met | Measured before | Published | Seeds | s |")
    print("|---|---|---|---|---|---|---|---|")
    missed = 0
    for part in parts:
        begin = monotonic()
        for row in part():
            taken, begin = monotonic() - begin, monotonic()
            met = "" if row.bar == "none" else "yes" if row.met else "NO"
            cells = (row.what, row.ours, row.bar, met, row.measured, row.published, row.seeds,
                     f"{taken:.0f}")  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)
            missed += not row.met
    return missed
