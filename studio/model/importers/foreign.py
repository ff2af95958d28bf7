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
_TO_ONNX = "export it with torch.onnx.export and open the .onnx file"
_TF_TO_ONNX = "convert it with tf2onnx and open the .onnx file"


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
    return next(_formats(head, path.suffix.lower()), None)


def _formats(head: bytes, suffix: str) -> Iterator[tuple[str, str]]:
    if head[4:8] == b"ORTM":
        yield "an onnxruntime .ort model", "open the .onnx file that it was made from"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        yield "a Keras HDF5 model", _TF_TO_ONNX
    if head.startswith(b"PK\x03\x04"):
        keras = suffix == ".keras" or b"config.json" in head
        torch = suffix in (".pt", ".pth", ".pt2", ".ckpt") or b"data.pkl" in head
        if keras and not torch:
            yield "a Keras archive", _TF_TO_ONNX
        yield ("a PyTorch archive", _TO_ONNX) if torch else ("a zip archive", "unpack it first")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        yield "a Python pickle (opening one can run code)", _TO_ONNX
