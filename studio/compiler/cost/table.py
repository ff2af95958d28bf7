"""The shipped coefficients: instructions of each count, by compiler and core."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache

from studio.errors import BuildError
from studio.targets.resources import shipped_table


@dataclass(frozen=True, slots=True)
class KernelCost:
    """What one kernel takes.

    Attributes:
        coefficients: instructions of each count.
        error: the largest relative error on calls of the sweep that were left out of the fit.
        typical_error: its 90th percentile.
        calls: how many calls of the sweep there were.
    """

    coefficients: dict[str, float]
    error: float
    typical_error: float
    calls: int


@dataclass(frozen=True, slots=True)
class CostTable:
    """One compiler's instructions on one core.

    Attributes:
        toolchain: id of the toolchain.
        version: of the compiler that made the table.
        core: what was compiled for.
        measured_on: the virtual board that ran the sweep.
        kernels: by C name.
    """

    toolchain: str
    version: str
    core: str
    measured_on: str
    kernels: dict[str, KernelCost]

    def text(self) -> str:
        """The table as a file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def instructions(self, kernel: str, counts: Mapping[str, float]) -> float:
        """What the counts of one kernel cost.

        Raises:
            BuildError: the table lacks the kernel.
        """
        known = self.kernels.get(kernel)
        if known is None:
            raise BuildError(
                f"the table of instructions lacks {kernel}",
                f"{self.toolchain} {self.core}",
                "make the tables again: make cost-tables",
            )
        own = known.coefficients
        return sum(own.get(name, 0.0) * value for name, value in counts.items())


@cache
def cost_table(toolchain: str, core: str) -> CostTable:
    """The shipped table of a toolchain and core.

    Raises:
        BuildError: there is none.
    """
    values = shipped_table("costs", "instructions", toolchain, core)
    costs = {name: KernelCost(**cost) for name, cost in values.pop("kernels").items()}
    return CostTable(**values, kernels=costs)
