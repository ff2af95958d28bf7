"""Opening model files.

An importer is a file in this folder with `match(head, path) -> bool`, which looks at the
first bytes, and `read(path) -> Job[Model]`, which parses untrusted bytes in a worker
process. It is found, not listed. One whose files run code when they are read refuses them in
`read` with AgreementNeeded and offers `read_agreed(path, shapes)` as well.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from studio.errors import ModelError
from studio.job import Job

if TYPE_CHECKING:
    from studio.model.model import Model

HEAD_BYTES = 4096


def open_model(
    path: str | Path, agree: bool = False, shapes: Sequence[Sequence[int]] = ()
) -> Job[Model]:
    """Read a model file of any format that an importer knows.

    Args:
        path: the file.
        agree: whether code that the file holds may run; nearly all formats hold none.
        shapes: the shape of one sample of each input, for formats that do not say it (TorchScript).

    Raises:
        AgreementNeeded: the file holds code and `agree` is False.
        ShapesNeeded: the file does not say the shapes of its inputs, and `shapes` is empty.
        ModelError: no such file, an unknown format, or a file that its importer refuses.
    """
    path = Path(path)
    head = _head(path)
    for importer in importers():
        if importer.match(head, path):
            runs_code = agree and hasattr(importer, "read_agreed")
            reading = importer.read_agreed(path, shapes) if runs_code else importer.read(path)
            model: Model = yield from reading
            return model
    raise ModelError("is in no format that the studio reads", str(path), "export the model as ONNX")


def shape_from(text: str) -> tuple[int, ...]:
    """The shape that a user wrote: sizes with "x" or "," between them.

    Raises:
        ValueError: a part that is no size, and which.
    """
    parts = [part.strip() for part in text.lower().replace("x", ",").split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit() and int(part)):
            raise ValueError(f"'{part}' in '{text.strip()}' is no size")
    return tuple(map(int, parts))


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
        raise ModelError(
            f"cannot be read: {error.strerror}", str(path), "choose a file that you may read"
        ) from None
    if not head:
        raise ModelError("the file is empty", str(path), "export or copy it again")
    return head
