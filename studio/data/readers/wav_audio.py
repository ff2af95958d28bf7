"""WAV: PCM audio of 8, 16, 24 or 32 bits, as numbers from -1 to 1."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.windows import Recording
from studio.errors import DataError

RECORDINGS = (".wav",)


def read_recordings(path: Path) -> list[Recording]:
    """Read a file: x is [samples, channels].

    Raises:
        DataError: damaged, compressed or empty.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width = file.getnchannels(), file.getsampwidth()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"is no readable WAV file: {error}", str(path), "PCM is read") from None
    whole = len(data) // (width * channels) * width * channels
    if not whole:
        raise DataError(
            "holds no samples", str(path), "record it again, or take it out of the folder"
        )
    x = _numbers(data[:whole], width).reshape(-1, channels)
    return [Recording(x, (), path.name, where=str(path))]


def _numbers(data: bytes, width: int) -> npt.NDArray[np.float32]:
    if width == 1:
        return np.asarray(np.frombuffer(data, np.uint8) / 128 - 1, np.float32)
    if width == 3:  # each into the upper bytes of an int32
        low = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data = np.pad(low, ((0, 0), (1, 0))).tobytes()
        width = 4
    numbers = np.frombuffer(data, f"<i{width}").astype(np.float64)
    return np.asarray(numbers / 2 ** (8 * width - 1), np.float32)
