"""NumPy archives: x_train, y_train, x_test, y_test (and x_validation), or x, y and split."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.dataset import SPLITS, Dataset, classes, split_every
from studio.data.windows import split_groups
from studio.errors import DataError

SUFFIXES = (".npz",)

Arrays = dict[str, npt.NDArray[Any]]


def read(path: Path) -> Dataset:
    """Read an archive; nothing in it is executed (pickled arrays are refused).

    Raises:
        DataError: a damaged archive, missing or ill-shaped arrays.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        hint = "save plain arrays of numbers or texts with numpy.savez"
        raise DataError(f"is no readable NumPy archive: {error}", str(path), hint) from None
    parts = [split for split in SPLITS if f"x_{split}" in arrays]
    if parts:
        arrays["split"] = np.repeat(parts, [len(arrays[f"x_{split}"]) for split in parts])
        arrays["x"] = _joined(arrays, "x", parts, path)
        if f"y_{parts[0]}" in arrays:
            arrays["y"] = _joined(arrays, "y", parts, path)
    if "x" not in arrays:
        raise DataError(
            f"has no array x or x_train, but {', '.join(sorted(arrays)) or 'nothing'}",
            str(path),
            "save the samples as x=..., their classes as y=...",
        )
    return _dataset(arrays, path)


def _dataset(arrays: Arrays, path: Path) -> Dataset:
    x, y = arrays["x"], arrays.get("y")
    if x.ndim < 2 or x.dtype.kind not in "fiub":
        raise DataError(f"x has the shape {x.shape} of {x.dtype}", str(path), "expected [n, ...]")
    labels: tuple[str, ...] = ()
    if y is not None:
        if y.ndim != 1:
            raise DataError(f"y has the shape {y.shape}", str(path), "expected a class per sample")
        if len(y):
            y, labels = classes(y, str(path))
    if "labels" in arrays:
        labels = tuple(str(label) for label in arrays["labels"].ravel())
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    split = arrays.get("split")
    group = arrays.get("group")
    if split is not None:
        split = split.astype(str)
    elif group is not None and group.shape == (len(x),):
        split = split_groups(group, y)
    else:
        split = split_every(len(x))
    return Dataset(path.name, x, y, labels, split, group)


def _joined(arrays: Arrays, kind: str, parts: list[str], path: Path) -> npt.NDArray[Any]:
    try:
        return np.concatenate([arrays[f"{kind}_{split}"] for split in parts])
    except KeyError as error:
        raise DataError(
            f"has no array {error}", str(path), "give each part its own x and y"
        ) from None
    except ValueError:
        raise DataError(
            f"the arrays {kind}_* have different shapes",
            str(path),
            "samples of all parts have one shape",
        ) from None
