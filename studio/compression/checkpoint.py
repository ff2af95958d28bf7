"""Where a step that trains leaves its state, so that it can go on after an interruption.

A step may train several times (prune, train, prune, train). Each of its trainings takes the
next file, in the same order each time; a finished one is read back instead of repeated.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

State = dict[str, Any]


class Checkpoint:
    """The state of one training; a file is complete or not there.

    Args:
        file: its place; None keeps nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def load(self) -> State | None:
        """What was saved last, or None where nothing usable was."""
        if self.file is None or not self.file.is_file():
            return None
        import torch

        try:
            state: State = torch.load(self.file, weights_only=True)
        except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError):
            return None  # damaged, or of another version: start again
        return state

    def save(self, state: State) -> None:
        """Replace what was saved; a full or read-only disk only costs the resuming."""
        if self.file is None:
            return
        import torch

        partial = self.file.with_suffix(".part")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            torch.save(state, partial)
            os.replace(partial, self.file)
        except (OSError, RuntimeError):
            return
        finally:
            with suppress(OSError):
                partial.unlink()


class Checkpoints:
    """One Checkpoint after the other from a folder of the step's own.

    Args:
        folder: made when first needed; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._count = 0

    def next(self) -> Checkpoint:
        """The next training's."""
        self._count += 1
        return Checkpoint(self._folder / f"{self._count}.pt" if self._folder else None)
