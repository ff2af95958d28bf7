"""CSV: a sample in each row, numbers in the columns; or a recording, a time in each row.

The column named label, class, target or activity (else the last one) is the class; a column
named split says train, validation or test; one named group, file or person keeps samples
together. In a recording all columns but those and the time are channels.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data import table
from studio.data.dataset import Dataset
from studio.data.windows import Recording
from studio.errors import DataError

SUFFIXES = (".csv",)


def read(path: Path) -> Dataset:
    """Read a CSV file; without a split column every fourth sample or group is for the test.

    Raises:
        DataError: no rows, rows of different length, a cell that is no number.
    """
    columns, first_line = _columns(path)
    label = next((name for name in columns if name in table.LABELS), None)
    if label is None:
        label = [name for name in columns if name not in ("split", *table.GROUPS)][-1]
    return table.rows(columns, label, path.name, str(path), _Numbers(path, first_line))


def read_recordings(path: Path) -> list[Recording]:
    """Read a CSV file as recordings.

    Raises:
        DataError: as `read`.
    """
    columns, first_line = _columns(path)
    return table.recordings(columns, str(path), _Numbers(path, first_line))


def _columns(path: Path) -> tuple[dict[str, npt.NDArray[np.str_]], int]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    if not rows:
        raise DataError("has no rows", str(path), "write a header, and a sample in each row")
    header, first_line = [f"column {i + 1}" for i in range(len(rows[0]))], 1
    if not _is_number(rows[0][0]):
        header, first_line = [name.lower() for name in rows.pop(0)], 2
    if not rows:
        raise DataError("has a header but no rows", str(path), "write a sample in each row")
    if len(set(header)) < len(header):
        raise DataError(
            "two columns have the same name", str(path), "rename one; capitals make no difference"
        )
    for number, row in enumerate(rows, first_line):
        if len(row) != len(header):
            raise DataError(
                f"has {len(row)} cells, not {len(header)}",
                f"{path}, row {number}",
                "each row has a cell for each column, with commas between",
            )
    cells = np.array(rows)
    return {name: cells[:, index] for index, name in enumerate(header)}, first_line


class _Numbers:
    """Columns as numbers; what is none is named by its row."""

    def __init__(self, path: Path, first_line: int) -> None:
        self.path = path
        self.first_line = first_line

    def __call__(self, name: str, column: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        try:
            return column.astype(np.float32)
        except ValueError:
            row = next(i for i, cell in enumerate(column) if not _is_number(cell))
            raise DataError(
                f"'{column[row]}' in column '{name}' is no number",
                f"{self.path}, row {row + self.first_line}",
                "fill or drop the row, drop the column, or name it label if it holds the class",
            ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
