"""Motion: six-axis recordings of a wrist, 80 windows of 100 samples at 10 Hz, 4 classes.

BasicMotions of the UEA multivariate time-series archive (arXiv 1811.00075), free for
research; the packages aeon and sktime carry it, so it is read from there, not shipped.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

from studio.data.dataset import Dataset
from studio.data.readers.ts_series import read
from studio.errors import DataError

_PACKAGES = ("aeon", "sktime")
_INSIDE = Path("datasets", "data", "BasicMotions")


def load(folder: Path | None = None) -> Dataset:
    """Windows: x [80, 6, 100]: acceleration and rotation, in the archive's split of 40 and 40.

    Args:
        folder: where BasicMotions_TRAIN.ts and BasicMotions_TEST.ts are; found by itself where
            aeon or sktime is installed.

    Raises:
        DataError: the recordings are nowhere.
    """
    folder = folder or _installed()
    if folder is None or not (folder / "BasicMotions_TRAIN.ts").is_file():
        raise DataError(
            "the BasicMotions recordings are not installed",
            str(folder or "example:motion"),
            "pip install --no-deps aeon",
        )
    return replace(read(folder / "BasicMotions_TRAIN.ts"), name="motion")


def _installed() -> Path | None:
    """The folder inside an installed package, found without importing it (aeon takes seconds)."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(place) / _INSIDE).is_dir():
                return Path(place) / _INSIDE
    return None
