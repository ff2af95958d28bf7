"""Formats that are recognised but not read: says which it is and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import ModelError
from studio.job import Job, Progress

if TYPE_CHECKING:
    from studio.model.model import Model

ORDER = 10


def match(head: bytes, path: Path) -> bool:
    """Whether this is one of the formats below."""
    return _format(head, path) is not None


def read(path: Path) -> Job[Model]:
    """Refuse the file by its format's name.

    Raises:
        ModelError: always.
    """
    yield Progress("Reading")
    with path.open("rb") as file:
        name, hint = _format(file.read(4096), path) or ("an unknown format", "")
    raise ModelError(f"is {name}, which the studio does not read", str(path), hint)


def _format(head: bytes, path: Path) -> tuple[str, str] | None:
    return next(_formats(head), None)


def _formats(head: bytes) -> Iterator[tuple[str, str]]:
    if head[4:8] == b"ORTM":
        yield "an onnxruntime .ort model", "open the .onnx file that it was made from"
    if head.startswith(b"PK\x03\x04"):
        yield "a zip archive", "unpack it first"
