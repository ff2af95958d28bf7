"""Readers of data, one file a format.

A file here has `SUFFIXES` and `read(path) -> Dataset`, or, for what is one of many in a folder,
`read_recordings(path) -> list[Recording]` for its `SUFFIXES` or `RECORDINGS`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from studio.data.dataset import Dataset
from studio.errors import DataError


def read(path: Path) -> Dataset:
    """Read a file with the reader for its suffix, or a folder of recordings.

    Raises:
        DataError: no such file, an unknown suffix, bad contents.
    """
    from studio.data.readers import folder

    reader = folder if path.is_dir() else readers().get(path.suffix.lower())
    if reader is None and not path.exists():
        hint = "choose a file or folder that is there, or an example"
        raise DataError("there is no such file or folder", str(path), hint)
    if reader is None:
        raise DataError(
            f"'{path.suffix or path.name}' is no data format",
            str(path),
            ", ".join(sorted(readers())),
        )
    try:
        if path.is_file() and not path.stat().st_size:
            raise DataError("the file is empty", str(path), "copy or export it again")
        dataset: Dataset = reader.read(path)
    except OSError as error:
        hint = "choose a file or folder that is there and that you may read"
        raise DataError(f"cannot be read: {error.strerror or error}", str(path), hint) from None
    except UnicodeDecodeError:
        raise DataError("is no text file", str(path), "save it as UTF-8") from None
    return dataset


@cache
def readers() -> dict[str, ModuleType]:
    """The readers of whole data sets by lower-case suffix."""
    return {s: module for module in _modules() for s in getattr(module, "SUFFIXES", ())}


@cache
def recording_readers() -> dict[str, ModuleType]:
    """The readers of recordings by lower-case suffix."""
    able = [module for module in _modules() if hasattr(module, "read_recordings")]
    return {
        s: m for m in able for s in (getattr(m, "RECORDINGS", ()) or getattr(m, "SUFFIXES", ()))
    }


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = (info.name for info in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)
