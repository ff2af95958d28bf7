"""A number that says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["computed", "estimated", "measured"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its source.

    Attributes:
        value: in the unit that the name of whatever holds it says.
        source: computed (follows from the Program), estimated (a cost model), measured.
        detail: on what it was measured or from what estimated, for tooltips.
    """

    value: float
    source: Source
    detail: str = ""

    def plain(self) -> dict[str, float | str]:
        """For JSON: value and source."""
        return {"value": self.value, "source": self.source}


def spaced(value: float) -> str:
    """A whole number with its thousands apart: 16 000."""
    return f"{round(value):,}".replace(",", " ")
