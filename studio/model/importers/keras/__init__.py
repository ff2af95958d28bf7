"""Keras files, `.keras` and `.h5`, parsed as untrusted bytes in a worker process with limits.

Architecture (JSON) and weights (HDF5) are read without Keras, so no code of the file runs: Lambda
layers and classes of somebody's own are refused by name. `file` reads, `graph` holds the ONNX
graph, `layers/` translates, one file a family.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import ModelError, Unsupported
from studio.job import Job
from studio.model.importers.onnx import parsed, translated, valid
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.model.importers.keras.file import Architecture
    from studio.model.importers.keras.graph import Graph

MAX_FILE_BYTES = 1_000_000_000
INPUTS = "tms.inputs"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_FIRST_MEMBER = slice(30, 43)  # of a zip archive: behind the local header's fixed part
_HINTS = {
    "Lambda": "a Lambda layer holds Python code, which is never run; use Keras layers instead",
    "TFOpLambda": "operators of TensorFlow outside layers are not supported; use Keras layers",
}
_CUSTOM = "its code is not in the file and would not be run; use layers of Keras"


def match(head: bytes, path: Path) -> bool:
    """Whether this is HDF5, or a zip archive as Keras writes it."""
    if head.startswith(_HDF5):
        return True
    named = path.suffix.lower() == ".keras" or head[_FIRST_MEMBER] == b"metadata.json"
    return head.startswith(b"PK\x03\x04") and named


def read(path: Path) -> Job[Model]:
    """Read a Keras file.

    Raises:
        ModelError: a file that is damaged or holds no architecture, or h5py is not installed.
        Unsupported: a layer, or a form of it, that has no translation, naming it.
    """
    return (yield from parsed(load, path, MAX_FILE_BYTES))


def load(path: Path) -> bytes:
    """Parse, translate and normalise a file in this process; returns serialised ONNX.

    Raises:
        ModelError: as `read`.
    """
    from studio.model.importers.keras.file import parse
    from studio.model.importers.keras.graph import Graph

    where = str(path)
    with translated(where):
        architecture = parse(path, where)
        _refuse_unknown(architecture, where)
        graph = Graph(architecture, where)
        _translate(graph, architecture)
        proto = graph.model({INPUTS: "plain"})
    return valid(proto, where)


def _translate(graph: Graph, architecture: Architecture) -> None:
    """Every call of every layer, each when its sources are known."""
    from studio.model.importers.keras.site import Site, translators

    waiting = list(architecture.calls)
    while waiting:
        ready = [call for call in waiting if all(graph.knows(source) for source in call.sources)]
        if not ready:
            raise ModelError(
                "its layers wait for each other",
                graph.where,
                "the file may be damaged; save the model again",
            )
        for call in ready:
            translators()[call.layer.kind](Site(graph, call))
        waiting = [call for call in waiting if call not in ready]


def _refuse_unknown(architecture: Architecture, where: str) -> None:
    """One error that names every layer without a translation."""
    from studio.model.importers.keras.site import translators

    kinds = Counter(call.layer.kind for call in architecture.calls)
    unknown = {kind: n for kind, n in kinds.items() if kind not in translators()}
    if unknown:
        names = ", ".join(f"{kind} ({n})" for kind, n in sorted(unknown.items()))
        raise Unsupported(
            f"layers that are not supported: {names}", where, next(_hints(unknown), "")
        )


def _hints(kinds: dict[str, int]) -> Iterator[str]:
    yield from (_HINTS[kind] for kind in sorted(kinds) if kind in _HINTS)
    yield from (_CUSTOM for kind in sorted(kinds) if ">" in kind)
    yield "convert it with tf2onnx and open the .onnx file"
