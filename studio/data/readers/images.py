"""Images: grey or colour, as numbers from 0 to 1 with channels first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.data.windows import Recording
from studio.errors import DataError

RECORDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".webp")
_GREY = ("1", "L", "LA", "I", "I;16")


def read_recordings(path: Path) -> list[Recording]:
    """Read an image: x is [1 or 3, height, width].

    Raises:
        DataError: damaged, or Pillow is missing.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError("needs Pillow to be read", str(path), "pip install Pillow") from None
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if image.mode in _GREY else "RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise DataError(
            f"is no readable image: {error}",
            str(path),
            "save it anew as PNG, or take it out of the folder",
        ) from None
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return [Recording(np.asarray(pixels / 255, np.float32), (), path.name, where=str(path))]
