"""Parquet: the same columns as CSV, typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data import table
from studio.data.dataset import Dataset
from studio.data.windows import Recording
from studio.errors import DataError

SUFFIXES = (".parquet",)


def read(path: Path) -> Dataset:
    """Read a Parquet file, a sample in each row; without a label column there are no labels.

    Raises:
        DataError: a damaged file, a column that holds no numbers, pyarrow is missing.
    """
    columns = _columns(path)
    label = next((name for name in columns if name in table.LABELS), None)
    return table.rows(columns, label, path.name, str(path), _numbers_of(path))


def read_recordings(path: Path) -> list[Recording]:
    """Read a Parquet file as recordings.

    Raises:
        DataError: as `read`.
    """
    return table.recordings(_columns(path), str(path), _numbers_of(path))


def _columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError("needs pyarrow to be read", str(path), "pip install pyarrow") from None
    try:
        found = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"is no readable Parquet file: {reason}",
            str(path),
            "the file may be cut off; write it again",
        ) from None
    if not found.num_rows:
        raise DataError("has no rows", str(path), "write a sample in each row")
    names = [name.lower() for name in found.column_names]
    if len(set(names)) < len(names):
        raise DataError(
            "two columns have the same name", str(path), "rename one; capitals make no difference"
        )
    columns = (column.to_numpy() for column in found.columns)
    return {
        name: column.astype(str) if column.dtype == object else column
        for name, column in zip(names, columns, strict=True)
    }


def _numbers_of(path: Path) -> table.Numbers:
    def numbers(name: str, column: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        if column.dtype.kind not in "fiub":
            raise DataError(
                f"column '{name}' holds {column.dtype}, no numbers",
                str(path),
                "drop the column, or name it label if it holds the classes",
            )
        return column.astype(np.float32)

    return numbers
