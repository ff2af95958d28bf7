"""Example data sets: each file here has `load() -> Dataset`."""

from __future__ import annotations

import importlib
import pkgutil

from studio.data.dataset import Dataset
from studio.errors import DataError


def load_example(name: str) -> Dataset:
    """The example data set of this name.

    Raises:
        DataError: there is none, or its data are not installed.
    """
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in names:
        raise DataError(f"there is no example '{name}'", hint=f"there are: {', '.join(names)}")
    dataset: Dataset = importlib.import_module(f"{__name__}.{name}").load()
    return dataset
