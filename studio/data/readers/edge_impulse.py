"""Edge Impulse JSON: the data acquisition format, one recording a file.

The class is in the file's name up to the first dot, or in `info.labels` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.windows import Recording, split_named
from studio.errors import DataError

RECORDINGS = (".json",)
INDEX = "info.labels"


def read_recordings(path: Path) -> list[Recording]:
    """Read a file: x is [time, sensors].

    Raises:
        DataError: no JSON, or no table of values in it.
    """
    payload = _parsed(path).get("payload")
    values = payload.get("values") if isinstance(payload, dict) else None
    if not isinstance(values, list) or not values:
        raise DataError("has no payload.values", str(path), "Edge Impulse's acquisition format")
    rows = [value if isinstance(value, list) else [value] for value in values]
    try:
        x = np.array(rows, np.float32)
    except (ValueError, TypeError):
        raise DataError(
            "payload.values is no table of numbers",
            str(path),
            "each row holds one number for each sensor; export the data again",
        ) from None
    label = path.name.split(".")[0] if path.name.count(".") > 1 else ""
    return [Recording(x, (label,) if label else (), path.name, where=str(path))]


def index(folder: Path) -> dict[str, tuple[str, str]]:
    """Class and split by file path from a folder's `info.labels`; empty where there is none.

    Raises:
        DataError: the index is no JSON of the known form.
    """
    path = folder / INDEX
    if not path.is_file():
        return {}
    entries = _parsed(path).get("files")
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        try:
            label = entry["label"]["label"] if entry["label"]["type"] == "label" else ""
            found[Path(entry["path"]).as_posix()] = str(label), split_named(str(entry["category"]))
        except (KeyError, TypeError):
            raise DataError(
                "an entry lacks path, category or label",
                str(path),
                "export the data from Edge Impulse again, or remove this file",
            ) from None
    return found


def _parsed(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            f"is no JSON: {error}", str(path), "the file may be cut off; export the data again"
        ) from None
    if not isinstance(plain, dict):
        raise DataError("is no JSON object", str(path), "export the data from Edge Impulse again")
    return plain
