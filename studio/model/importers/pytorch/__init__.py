"""PyTorch files: `.pt2` of torch.export and TorchScript, exported to ONNX in a worker process.

Loading either runs code that the file holds, so nothing is loaded before the user agrees; until
then the archive is only looked at. Pickles (weights, whole modules) are never loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.errors import AgreementNeeded, ModelError, ShapesNeeded
from studio.job import Job, in_process
from studio.model.importers.pytorch.archive import TORCH_SCRIPT, looks_like_torch, program_of
from studio.model.importers.pytorch.export import from_module, load
from studio.model.model import Model

__all__ = ["from_module", "match", "read", "read_agreed"]

ORDER = 5
MAX_FILE_BYTES = 1_000_000_000
_TIMEOUT_S = 300
_MEMORY_BYTES = 16 << 30  # address space: torch maps far more than it uses


def match(head: bytes, path: Path) -> bool:
    """Whether this is a zip archive as torch writes them, or a pickle."""
    return looks_like_torch(head, path.suffix.lower())


def read(path: Path) -> Job[Model]:
    """Say what opening the file would run.

    Raises:
        AgreementNeeded: it is a program that can be opened with `read_agreed`.
        ModelError: it is none, and what to give instead.
    """
    kind = yield from _kind(path)
    raise AgreementNeeded(
        f"opening it runs the code that it holds ({kind}), with your rights on this computer",
        str(path),
        "if you trust where it comes from, agree: --trust on the command line,"
        " open_model(path, agree=True) in Python",
    )


def read_agreed(path: Path, shapes: Sequence[Sequence[int]] = ()) -> Job[Model]:
    """Load a program and export it, in a worker process.

    Args:
        path: a `.pt2` or TorchScript file.
        shapes: the shape of one sample of each input, float32; TorchScript does not say it.

    Raises:
        ShapesNeeded: a TorchScript file, and `shapes` is empty.
        ModelError: a file that holds no program, or one that cannot be loaded or exported.
    """
    kind = yield from _kind(path)
    if kind == TORCH_SCRIPT and not shapes:
        raise ShapesNeeded(
            "TorchScript does not say the shape of its inputs",
            str(path),
            "give that of one sample, without the batch: --shape 1,49,10 on the command line,"
            " shapes=[(1, 49, 10)] in Python; or save a .pt2 with torch.export",
        )
    data = yield from in_process(
        load,
        path,
        kind,
        tuple(tuple(shape) for shape in shapes),
        text=f"Exporting {path.name} to ONNX",
        timeout_s=_TIMEOUT_S,
        memory_bytes=_MEMORY_BYTES,
        failure=ModelError,
    )
    return Model.from_bytes(data, path.stem)


def _kind(path: Path) -> Job[str]:
    size_bytes = path.stat().st_size
    if size_bytes > MAX_FILE_BYTES:
        raise ModelError(
            f"takes {size_bytes / 1e9:.1f} GB", str(path), "models for microcontrollers are smaller"
        )
    kind: str = yield from in_process(
        program_of,
        path,
        text=f"Looking at {path.name}",
        timeout_s=9 + size_bytes / 50e6,
        memory_bytes=2 << 30,
        failure=ModelError,
    )
    return kind
