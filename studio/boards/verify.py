"""Does the board compute what the host computes? Byte by byte, on random inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.boards.link import Link, Tensor
from studio.build.firmware import model_digest
from studio.build.host import HostModel
from studio.errors import BoardError
from studio.job import Job, Progress

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first byte that differs: in which sample, output and element, and both values."""

    sample: int
    output: str
    index: int
    host: float
    board: float

    def __str__(self) -> str:
        return (
            f"sample {self.sample}, output {self.output}[{self.index}]: "
            f"host {self.host:g}, board {self.board:g}"
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a comparison; `difference` is the first one, or None."""

    samples: int
    compared_bytes: int
    difference: Difference | None

    @property
    def identical(self) -> bool:
        """True where every byte was equal."""
        return self.difference is None


def verify(host: HostModel, link: Link, samples: int, seed: int = 0) -> Job[Verification]:
    """Run the generated C here and on the board, and compare; ends at the first difference.

    The samples are one sequence: state is fresh before the first one only.

    Args:
        host: the generated C as a library.
        link: to the board.
        samples: how many random inputs.
        seed: of the inputs.

    Raises:
        BoardError: the board runs another model, or stops answering.
    """
    _check_digest(link, host.digest, host.name)
    info = link.info
    rng = np.random.default_rng(seed)
    compared_bytes = 0
    host.reset()
    for sample in range(samples):
        yield Progress(f"comparing sample {sample + 1} of {samples}", sample / samples)
        inputs = [random_input(tensor, rng) for tensor in info.inputs]
        ours, theirs = host.run(inputs), link.infer(inputs, fresh=sample == 0)
        for tensor, a, b in zip(info.outputs, ours, theirs, strict=True):
            index = first_difference(a, b)
            if index is not None:
                found = Difference(
                    sample, tensor.name, index, float(a.flat[index]), float(b.flat[index])
                )
                return Verification(sample + 1, compared_bytes, found)
            compared_bytes += a.nbytes
    return Verification(samples, compared_bytes, None)


def check_model(link: Link, model_files: Mapping[str, bytes], name: str) -> None:
    """See that a board runs a model's generated code.

    Raises:
        BoardError: it runs another model.
    """
    _check_digest(link, model_digest(model_files), name)


def _check_digest(link: Link, digest: str, name: str) -> None:
    info = link.info
    if info.digest != digest:
        what = f"runs {info.model} {info.digest}, not {name} {digest}"
        raise BoardError(what, link.port.url, "flash it again")


def random_input(tensor: Tensor, rng: np.random.Generator) -> Array:
    """All values of an integer type alike; standard normal for floats."""
    if tensor.dtype == "float32":
        return rng.standard_normal(tensor.shape, dtype=np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(bool)
    limits = np.iinfo(tensor.dtype)
    return rng.integers(limits.min, limits.max, tensor.shape, tensor.dtype, endpoint=True)


def first_difference(a: Array, b: Array) -> int | None:
    """Index of the first element whose bytes differ (NaN equals NaN of the same bits)."""
    width = a.dtype.itemsize
    different = np.frombuffer(a.tobytes(), np.uint8) != np.frombuffer(b.tobytes(), np.uint8)
    return int(np.argmax(different)) // width if different.any() else None
