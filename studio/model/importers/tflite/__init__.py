"""TensorFlow Lite files, parsed as untrusted bytes in a worker process with limits.

Every operator becomes its ONNX form; what is quantised becomes QuantizeLinear and
DequantizeLinear with the file's own scales and zero points. `file` reads and checks the
flatbuffer, `graph` holds the ONNX graph, `operators/` translates, one file a family.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import ModelError, Unsupported
from studio.job import Job
from studio.model.importers.onnx import parsed, translated, valid
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.model.importers.tflite.file import Contents

MAX_FILE_BYTES = 1_000_000_000
ROUNDING, INPUTS = "tms.rounding", "tms.inputs"


def match(head: bytes, path: Path) -> bool:
    """Whether the flatbuffer's identifier is TFLite's."""
    return head[4:8] == b"TFL3"


def read(path: Path) -> Job[Model]:
    """Read a .tflite file.

    Raises:
        ModelError: a file that is damaged, hostile or too large.
        Unsupported: an operator, or a form of it, that has no ONNX form, naming it.
    """
    return (yield from parsed(load, path, MAX_FILE_BYTES))


def load(path: Path) -> bytes:
    """Parse, translate and normalise a file in this process; returns serialised ONNX.

    Raises:
        ModelError: as `read`.
    """
    from studio.model.importers.tflite.file import parse
    from studio.model.importers.tflite.graph import Graph
    from studio.model.importers.tflite.operator import Site, translators

    where = str(path)
    try:
        contents = parse(path.read_bytes(), where)
    except OSError as error:
        raise ModelError(
            f"cannot be read: {error.strerror}",
            where,
            "check the file's name and that you may read it",
        ) from None
    except MemoryError:
        raise ModelError(
            "needs more memory than a model should",
            where,
            "the file may be damaged; convert the model again, smaller if it is that large",
        ) from None
    _refuse_unknown(contents, where)
    with translated(where):
        graph = Graph(contents, where)
        for operator in contents.operators:
            translators()[operator.kind](Site(graph, operator))
    metadata = {INPUTS: "plain"}
    if any(tensor.quantized and tensor.data is None for tensor in contents.tensors):
        metadata[ROUNDING] = "double"
    return valid(graph.model(metadata), where)


def _refuse_unknown(contents: Contents, where: str) -> None:
    """One error that names every operator without a translation."""
    from studio.model.importers.tflite.operator import translators

    counts = Counter(operator.kind for operator in contents.operators)
    unknown = {kind: n for kind, n in counts.items() if kind not in translators()}
    if not unknown:
        return
    names = ", ".join(f"{kind} ({n})" for kind, n in sorted(unknown.items()))
    hint = "export the model without them"
    if any(kind.startswith("CUSTOM") for kind in unknown):
        hint = "custom operators run only in the program that they come from; export without"
    raise Unsupported(f"operators that are not supported: {names}", where, hint)
