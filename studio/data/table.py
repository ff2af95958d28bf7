"""Tables: named columns of numbers and texts, as CSV and Parquet hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.dataset import Dataset, classes, split_every
from studio.data.windows import Recording, split_groups
from studio.errors import DataError

LABELS = ("label", "class", "target", "activity")
GROUPS = ("group", "file", "recording", "subject", "person")
TIMES = ("time", "timestamp")

Column = npt.NDArray[Any]
Columns = Mapping[str, Column]
# (name, column) -> float32 numbers, or DataError
Numbers = Callable[[str, Column], npt.NDArray[np.float32]]


def rows(columns: Columns, label: str | None, name: str, where: str, numbers: Numbers) -> Dataset:
    """A sample in each row.

    Args:
        columns: by lower-case name.
        label: the column of classes; None where there is none.
        name: of the data set.
        where: its file, for errors.
        numbers: reads a column of numbers.

    Raises:
        DataError: no columns besides the label, a label that is empty.
    """
    rest = dict(columns)
    y, labels = classes(rest.pop(label), where) if label else (None, ())
    split = rest.pop("split", None)
    found = [rest.pop(key) for key in GROUPS if key in rest]
    if not rest:
        raise DataError(
            "has no columns besides the label", where, "add the columns that the model reads"
        )
    x = np.stack([numbers(key, column) for key, column in rest.items()], axis=1)
    group = found[0] if found else None
    if split is None:
        split = split_every(len(x)) if group is None else split_groups(group, y)
    return Dataset(name, x, y, labels, split.astype(str), group)


def recordings(columns: Columns, where: str, numbers: Numbers) -> list[Recording]:
    """Rows in time, those of one group a recording.

    Raises:
        DataError: no columns of numbers.
    """
    label = next((columns[key] for key in LABELS if key in columns), None)
    groups = [columns[key] for key in GROUPS if key in columns]
    apart = {*LABELS, *GROUPS, *TIMES, "split"}
    x = [numbers(key, column) for key, column in columns.items() if key not in apart]
    if not x:
        raise DataError(
            "has no columns of numbers",
            where,
            "add a column for each sensor, beside time, group and label",
        )
    values = np.stack(x, axis=1)
    keys = groups[0].astype(str) if groups else np.full(len(values), "")
    names, first = np.unique(keys, return_index=True)
    found = []
    for name in names[np.argsort(first)].tolist():
        chosen = keys == name
        answers = () if label is None else tuple(label[chosen].astype(str).tolist())
        split = str(columns["split"][chosen][0]) if "split" in columns else ""
        found.append(Recording(values[chosen], answers, name or where, split, where))
    return found
