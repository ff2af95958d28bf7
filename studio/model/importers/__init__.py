"""Opening model files.

An importer is a file in this folder with `match(head, path) -> bool`, which looks at the
first bytes, and `read(path) -> Job[Model]`, which parses untrusted bytes in a worker
process. It is found, not listed.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from studio.errors import ModelError
from studio.job import Job

if TYPE_CHECKING:
    from studio.model.model import Model

HEAD_BYTES = 4096


def open_model(path: str | Path) -> Job[Model]:
    """Read a model file of any format that an importer knows.

    Raises:
        ModelError: no such file, an unknown format, or a file that its importer refuses.
    """
    path = Path(path)
    head = _head(path)
    for importer in importers():
        if importer.match(head, path):
            model: Model = yield from importer.read(path)
            return model
    raise ModelError("is in no format that the studio reads", str(path), "export the model as ONNX")


@cache
def importers() -> tuple[ModuleType, ...]:
    """All importers: the modules of this folder that have `match`; the most certain first."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    found = [module for module in modules if hasattr(module, "match")]
    return tuple(sorted(found, key=lambda module: getattr(module, "ORDER", 0)))


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "there is no such file"
            raise ModelError(what, str(path), "choose a model file, such as model.onnx")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", str(path)) from None
    if not head:
        raise ModelError("the file is empty", str(path))
    return head
