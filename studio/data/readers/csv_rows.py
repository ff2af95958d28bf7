"""CSV: a sample in each row, numbers in the columns.

The column named label, class or target (else the last one) is the class; a column named
split says train, validation or test; one named group keeps samples together.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.dataset import Dataset, classes, split_every
from studio.errors import DataError

SUFFIXES = (".csv",)
_LABELS = ("label", "class", "target")

Column = npt.NDArray[np.str_]


def read(path: Path) -> Dataset:
    """Read a CSV file; without a split column every fourth sample is for the test.

    Raises:
        DataError: no rows, rows of different length, a cell that is no number.
    """
    header, table, first_line = _table(path)
    columns = {name: table[:, index] for index, name in enumerate(header)}
    label = next((name for name in header if name in _LABELS), None)
    if label is None:
        rest = [name for name in header if name not in ("split", "group")]
        label = rest[-1]
    y, labels = classes(columns.pop(label), str(path))
    split, group = columns.pop("split", None), columns.pop("group", None)
    if not columns:
        raise DataError("has no columns besides the label", str(path))
    x = np.stack([_numbers(path, n, c, first_line) for n, c in columns.items()], axis=1)
    split = split_every(len(y)) if split is None else split
    return Dataset(path.name, x, y, labels, split, group)


def _table(path: Path) -> tuple[list[str], Column, int]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    if not rows:
        raise DataError("has no rows", str(path))
    header, first_line = [f"column {i + 1}" for i in range(len(rows[0]))], 1
    if not _is_number(rows[0][0]):
        header, first_line = [name.lower() for name in rows.pop(0)], 2
    if not rows:
        raise DataError("has a header but no rows", str(path))
    if len(set(header)) < len(header):
        raise DataError("two columns have the same name", str(path))
    for number, row in enumerate(rows, first_line):
        if len(row) != len(header):
            raise DataError(f"has {len(row)} cells, not {len(header)}", f"{path}, row {number}")
    return header, np.array(rows), first_line


def _numbers(path: Path, name: str, column: Column, first_line: int) -> npt.NDArray[np.float32]:
    try:
        return column.astype(np.float32)
    except ValueError:
        row = next(i for i, cell in enumerate(column) if not _is_number(cell))
        raise DataError(
            f"'{column[row]}' in column '{name}' is no number", f"{path}, row {row + first_line}"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
