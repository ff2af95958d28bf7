"""Questions to the monitor of a running firmware, and its answers."""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.boards.frames import PAYLOAD_BYTES, Deframer, Frame, FrameType, encode
from studio.boards.port import Port
from studio.build.host import DTYPES
from studio.errors import BoardError

Array = npt.NDArray[Any]

_MODEL = struct.Struct("<BHHHII16s")
_TENSOR = struct.Struct("<BIfi4H")
_PROTOCOL = 1
_MODEL_ITEM, _INPUT_ITEM, _OUTPUT_ITEM = 0, 1, 2
_TRACED, _FRESH = 1, 2  # bits of a request to run
_CHUNK_BYTES = PAYLOAD_BYTES - 5
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output as the board describes it; `shape` is channels last, no batch."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    size_bytes: int
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Info:
    """What runs on a board.

    Attributes:
        model: name of the model.
        digest: of the generated code, as in Image.digest.
        arena_bytes: what the model uses of memory.
        tick_hz: ticks a second of the clock that RUN and LAYER count.
        inputs, outputs: the model's tensors.
        layers: how many layers it traces.
    """

    model: str
    digest: str
    arena_bytes: int
    tick_hz: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Arena and stack of a running board; `stack_used_bytes` is the most since its start."""

    arena_bytes: int
    stack_bytes: int
    stack_used_bytes: int


class Link:
    """A conversation with a board.

    Lost and broken frames are asked for again; every frame's sequence number tells an answer from
    a late one.

    Args:
        port: an open port, or the name of one; `close` closes it.
        timeout_s: how long to wait for an answer, each of three times.
        run_timeout_s: how long an inference may take.
    """

    def __init__(
        self, port: Port | str, *, timeout_s: float = 1.5, run_timeout_s: float = 9.0
    ) -> None:
        self.port = Port(port) if isinstance(port, str) else port
        self.timeout_s = timeout_s
        self.run_timeout_s = run_timeout_s
        self.retries = 0
        self._deframer = Deframer()
        self._sequence = secrets.randbelow(0xFFFF)

    @cached_property
    def info(self) -> Info:
        """What runs on the board, asked for once."""
        head = self._ask(FrameType.INFO, struct.pack("<BH", _MODEL_ITEM, 0))
        version, n_inputs, n_outputs, layers, arena_bytes, tick_hz, digest = _MODEL.unpack(
            self._sized(head, _MODEL.size)
        )
        if version != _PROTOCOL:
            raise BoardError(
                f"its firmware speaks version {version} of the protocol, not {_PROTOCOL}",
                self.port.url,
                "flash it again",
            )
        return Info(
            model=head[_MODEL.size :].decode(errors="replace"),
            digest=digest.decode(errors="replace"),
            arena_bytes=arena_bytes,
            tick_hz=tick_hz,
            inputs=tuple(self._tensor(_INPUT_ITEM, index) for index in range(n_inputs)),
            outputs=tuple(self._tensor(_OUTPUT_ITEM, index) for index in range(n_outputs)),
            layers=layers,
        )

    def infer(self, inputs: Sequence[Array], fresh: bool = False) -> list[Array]:
        """One inference.

        Args:
            inputs: arrays of the dtypes and sizes that `info.inputs` states, channels last.
            fresh: whether to forget before what the model carries from run to run.

        Returns:
            The outputs in the shapes that `info.outputs` states.
        """
        self._write(inputs)
        self._run(_FRESH if fresh else 0)
        return [self._read(index) for index in range(len(self.info.outputs))]

    def memory(self) -> Memory:
        """Arena and stack, as they are now."""
        answer = self._ask(FrameType.MEMORY, b"")
        return Memory(*struct.unpack("<III", self._sized(answer, 12)))

    def time(self, inputs: Sequence[Array]) -> tuple[int, tuple[int, ...]]:
        """Ticks of one fresh inference, and of each of its layers (in a run of its own)."""
        self._write(inputs)
        total, _ = self._run(_FRESH)
        self._write(inputs)
        _, layers = self._run(_FRESH | _TRACED)
        if len(layers) != self.info.layers:
            raise BoardError("some layers' times were lost", self.port.url, "measure again")
        return total, tuple(layers[index] for index in sorted(layers))

    def close(self) -> None:
        """Close the port."""
        self.port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tensor(self, item: int, index: int) -> Tensor:
        answer = self._ask(FrameType.INFO, struct.pack("<BH", item, index))
        dtype, size_bytes, scale, zero_point, *shape = _TENSOR.unpack(
            self._sized(answer, _TENSOR.size)
        )
        if dtype not in DTYPES:
            raise BoardError(
                f"states an unknown data type {dtype}", self.port.url, "flash it again"
            )
        while len(shape) > 1 and shape[-1] == 0:
            shape.pop()
        name = answer[_TENSOR.size :].decode(errors="replace")
        return Tensor(name, tuple(shape), DTYPES[dtype], size_bytes, scale, zero_point)

    def _write(self, inputs: Sequence[Array]) -> None:
        if len(inputs) != len(self.info.inputs):
            raise BoardError(
                f"the model takes {len(self.info.inputs)} inputs, not {len(inputs)}", self.port.url
            )
        for index, (tensor, array) in enumerate(zip(self.info.inputs, inputs, strict=True)):
            data = np.ascontiguousarray(array).tobytes()
            if array.dtype != tensor.dtype or len(data) != tensor.size_bytes:
                raise BoardError(
                    f"takes {tensor.dtype}{list(tensor.shape)}, not {array.dtype}"
                    f"{list(array.shape)}",
                    f"input {tensor.name}",
                )
            for offset in range(0, len(data), _CHUNK_BYTES):
                chunk = data[offset : offset + _CHUNK_BYTES]
                self._ask(FrameType.WRITE, struct.pack("<BI", index, offset) + chunk)

    def _run(self, how: int) -> tuple[int, dict[int, int]]:
        layers: dict[int, int] = {}
        answer = self._ask(FrameType.RUN, bytes([how]), self.run_timeout_s / _TRIES, layers)
        return struct.unpack("<Q", self._sized(answer, 8))[0], layers

    def _read(self, index: int) -> Array:
        tensor = self.info.outputs[index]
        data = b""
        while len(data) < tensor.size_bytes:
            count = min(PAYLOAD_BYTES, tensor.size_bytes - len(data))
            answer = self._ask(FrameType.READ, struct.pack("<BIB", index, len(data), count))
            data += self._sized(answer, count)
        return np.frombuffer(data, tensor.dtype).reshape(tensor.shape)

    def _ask(
        self,
        kind: FrameType,
        payload: bytes,
        timeout_s: float | None = None,
        layers: dict[int, int] | None = None,
    ) -> bytes:
        """Ask until the answer comes; LAYER frames before it go to `layers`.

        The board repeats its answer, not the run, where RUN comes again with the same sequence.
        """
        self._sequence = self._sequence % 0xFFFF + 1  # 0 is what the board says of broken frames
        request = encode(Frame(kind, self._sequence, 0, payload))
        for attempt in range(_TRIES):
            self.retries += attempt > 0
            self.port.write(request)
            answer = self._await(kind, timeout_s or self.timeout_s, layers)
            if answer is not None:
                return answer
        raise BoardError(
            "the board does not answer",
            self.port.url,
            "check that a firmware of the studio runs on it, or flash it again",
        )

    def _await(
        self, kind: FrameType, timeout_s: float, layers: dict[int, int] | None
    ) -> bytes | None:
        """The answer to the last request, or None where none comes or the request broke."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            for frame in self._deframer.feed(self.port.read(left)):
                if frame.type == FrameType.ERROR and frame.sequence == 0:
                    return None  # it arrived broken
                if frame.sequence != self._sequence:
                    continue
                if frame.type == FrameType.LAYER and layers is not None:
                    layer, ticks = struct.unpack("<HI", self._sized(frame.payload, 6))
                    layers[layer] = ticks
                    end = time.monotonic() + timeout_s
                elif frame.type == FrameType.ERROR:
                    text = frame.payload.decode(errors="replace")
                    raise BoardError(f"the board refused: {text}", self.port.url)
                elif frame.type == kind:
                    return frame.payload
        return None

    def _sized(self, answer: bytes, size_bytes: int) -> bytes:
        if len(answer) < size_bytes:
            raise BoardError("its answer is too short", self.port.url, "flash it again")
        return answer[:size_bytes]
