"""Results on disk by what they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from studio.model.model import Model
from studio.targets.resources import cache_folder

DIGEST_BYTES = 32
KEPT_DAYS = 60  # since a result was last used, or a training last wrote its checkpoint


def key_of(parts: Mapping[str, Any]) -> str:
    """A key for everything that a result depends on (plain values)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Cache:
    """Models by key; a file is complete or not there."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "models"

    def get(self, key: str, name: str = "") -> Model | None:
        """The model stored under `key`, or None."""
        try:
            data = self._file(key).read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(self._file(key))
        # A file that a power cut left empty or short is as good as none.
        content, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        return Model.from_bytes(content, name) if _digest(content) == digest else None

    def put(self, key: str, model: Model) -> None:
        """Store a model; a full or read-only disk only costs the caching."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as file:
                content = model.to_bytes()
                file.write(content + _digest(content))
            os.replace(temporary, self._file(key))
        except OSError:
            return
        finally:
            Path(temporary).unlink(missing_ok=True)

    def unfinished(self, key: str) -> Path:
        """The folder for checkpoints of what will be stored under `key`."""
        return self.folder / "unfinished" / key

    def tidy(self) -> None:
        """Remove what nobody used for a long time."""
        oldest = time.time() - KEPT_DAYS * 86400
        for path in (
            p for pattern in ("*.onnx", "*.part", "unfinished/*") for p in self.folder.glob(pattern)
        ):
            with suppress(OSError):
                newest = max((f.stat().st_mtime for f in path.rglob("*")), default=0.0)
                if max(newest, path.stat().st_mtime) < oldest:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.onnx"
