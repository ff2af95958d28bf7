"""ONNX files, parsed as untrusted bytes in a worker process with limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import ModelError
from studio.job import Job, in_process
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx

MAX_FILE_BYTES = 2_000_000_000
# What onnx and onnx_ir raise on graphs that they cannot work with; it has no common class.
_FOREIGN = (ValueError, TypeError, RuntimeError, LookupError, AttributeError, ArithmeticError)
_DAMAGED = "the file is truncated or damaged; export or copy it again"


def match(head: bytes, path: Path) -> bool:
    """Whether the first protobuf field can be ModelProto.ir_version, or the name says .onnx."""
    return path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and 1 <= head[1] <= 32)


def read(path: Path) -> Job[Model]:
    """Read an ONNX file, with external data from its own folder only.

    Raises:
        ModelError: a file that is no ONNX, damaged, hostile, too large or too dynamic.
    """
    return (yield from parsed(load, path, MAX_FILE_BYTES))


def parsed(load: Callable[[Path], bytes], path: Path, most_bytes: int) -> Job[Model]:
    """What `load` makes of a file, in a worker process with limits of time and memory.

    Raises:
        ModelError: the file is too large, or the worker's own.
    """
    size_bytes = path.stat().st_size
    if size_bytes > most_bytes:
        raise ModelError(
            f"takes {size_bytes / 1e9:.1f} GB", str(path), "models for microcontrollers are smaller"
        )
    data = yield from in_process(
        load,
        path,
        text=f"Reading {path.name}",
        timeout_s=9 + size_bytes / 50e6,
        memory_bytes=(4 << 30) + 6 * size_bytes,
        failure=ModelError,
    )
    return Model.from_bytes(data, path.stem)


def load(path: Path) -> bytes:
    """Parse, check and normalise a file in this process; returns serialised ONNX.

    Raises:
        ModelError: as `read`.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    where = str(path)
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError:
        raise ModelError("is no ONNX model", where, _DAMAGED) from None
    except OSError as error:
        raise ModelError(
            f"cannot be read: {error.strerror}",
            where,
            "check the file's name and that you may read it",
        ) from None
    _refuse_fragments(proto, where)
    with translated(where):
        for tensor in _tensors(proto):
            _take_in(tensor, path)
    return of_one_sample(valid(proto, where), where)


def valid(proto: onnx.ModelProto, where: str) -> bytes:
    """Check a graph with all data inside and bring it into the studio's form.

    Args:
        proto: the model; it is changed.
        where: its file, for errors.

    Raises:
        ModelError: it contradicts the standard or itself.
    """
    import onnx

    from studio.model.normalize import normalize

    with translated(where):
        for output in proto.graph.output:  # may lack a shape, which inference finds anyway
            output.type.tensor_type.shape.SetInParent()
        onnx.checker.check_model(proto)
        return normalize(proto, where)


def of_one_sample(data: bytes, where: str) -> bytes:
    """A graph that `valid` gave, with batch 1 where it has a larger one and that can be had."""
    import onnx

    from studio.model.batch import batch_size, for_one_sample

    proto = onnx.ModelProto.FromString(data)
    if batch_size(proto) < 2:
        return data
    one = for_one_sample(proto)
    return data if one is None else valid(one, where)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """What onnx and onnx_ir raise inside becomes a ModelError about a file."""
    import onnx
    import onnx.version_converter

    try:
        yield
    except MemoryError:
        raise ModelError(
            "needs more memory than a model should",
            where,
            "the file may be damaged; export the model again, smaller if it is that large",
        ) from None
    except _FOREIGN as error:
        raise _translated(error, where) from None
    except (onnx.checker.ValidationError, onnx.version_converter.ConvertError) as error:
        raise _translated(error, where) from None


def _translated(error: Exception, where: str) -> ModelError:
    reason = " ".join(str(error).partition("==> Context")[0].split())[:300]
    if "No Op registered for" in reason:
        operator = reason.split("for ")[1].split()[0]
        return ModelError(
            f"operator '{operator}' is not part of ONNX", where, "export the model without it"
        )
    return ModelError(f"is not a valid ONNX model: {reason}", where, _DAMAGED)


def _refuse_fragments(proto: onnx.ModelProto, where: str) -> None:
    if not proto.ir_version or not proto.opset_import or not proto.graph.node:
        raise ModelError("is no ONNX model, or only a part of one", where, _DAMAGED)
    if not proto.graph.input or not proto.graph.output:
        raise ModelError("has no inputs or no outputs", where, _DAMAGED)


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model: initialisers, attributes, subgraphs and functions."""
    import onnx

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if hasattr(value, "__len__") else (value,):
                yield from _tensors(part)


def _take_in(tensor: onnx.TensorProto, path: Path) -> None:
    """Check a tensor's size against its data and take external data into the message."""
    import onnx

    where = f"{path}: tensor '{tensor.name}'"
    size_bytes = _size_bytes(tensor)
    if size_bytes < 0 or size_bytes > MAX_FILE_BYTES:
        raise ModelError(f"has the shape {list(tensor.dims)}", where, _DAMAGED)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        tensor.raw_data = _external_bytes(tensor, path, where, size_bytes)
        del tensor.external_data[:]
        tensor.ClearField("data_location")
    if tensor.HasField("raw_data") and len(tensor.raw_data) != size_bytes:
        raise ModelError(
            f"shape {list(tensor.dims)} needs {size_bytes} bytes, there are {len(tensor.raw_data)}",
            where,
            _DAMAGED,
        )


def _size_bytes(tensor: onnx.TensorProto) -> int:
    from onnx_ir import DataType

    if any(dim < 0 for dim in tensor.dims):
        return -1
    if tensor.data_type == DataType.STRING:
        return 0
    bits = round(float(DataType(tensor.data_type).itemsize) * 8)
    return int(math.prod(tensor.dims) * bits + 7) // 8


def _external_bytes(tensor: onnx.TensorProto, path: Path, where: str, size_bytes: int) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.parent.resolve()
    location = entries.get("location", "")
    file = (folder / location).resolve()  # follows symbolic links, so that they cannot escape
    if not location or not file.is_relative_to(folder):
        raise ModelError(
            f"its data lies outside the model's folder: '{location}'",
            where,
            "put the data file beside the model and export again",
        )
    if not file.is_file():
        raise ModelError(
            f"its data file '{location}' is missing", where, "copy it beside the model"
        )
    offset = int(entries.get("offset", "0"))
    if offset < 0 or offset + size_bytes > file.stat().st_size:
        raise ModelError(f"its data file '{location}' is too short", where, _DAMAGED)
    with file.open("rb") as stream:
        stream.seek(offset)
        data: bytes = stream.read(size_bytes)
        return data
