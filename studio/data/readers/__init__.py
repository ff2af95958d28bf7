"""Readers of data files: each file here has `SUFFIXES` and `read(path) -> Dataset`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from studio.data.dataset import Dataset
from studio.errors import DataError


def read(path: Path) -> Dataset:
    """Read a file with the reader for its suffix.

    Raises:
        DataError: no such file, an unknown suffix, bad contents.
    """
    reader = readers().get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"'{path.suffix or path.name}' is no data format",
            str(path),
            ", ".join(sorted(readers())),
        )
    try:
        if not path.stat().st_size:
            raise DataError("the file is empty", str(path))
        dataset: Dataset = reader.read(path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", str(path)) from None
    except UnicodeDecodeError:
        raise DataError("is no text file", str(path)) from None
    return dataset


@cache
def readers() -> dict[str, ModuleType]:
    """The readers by lower-case suffix."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return {suffix: module for module in modules for suffix in module.SUFFIXES}
