"""Folders of recordings: a class in each sub-folder, or none.

walking/a.csv  running/b.csv       the class is the folder
train/yes/a.wav  test/yes/b.wav    a split above it
training/yes.1.json                Edge Impulse's export
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from studio.data import readers, windows
from studio.data.dataset import Dataset
from studio.data.readers import edge_impulse
from studio.data.windows import Cut, Recording, split_named
from studio.errors import DataError

_MOST = 200_000


def read(path: Path) -> Dataset:
    """Each recording of a folder is a sample; all must have one shape.

    Raises:
        DataError: nothing that is read, or recordings of different shapes.
    """
    return windows.dataset(path.name, recordings(path), Cut())


def recordings(path: Path) -> list[Recording]:
    """All recordings of a folder, or of one file, in the order of their names.

    Of several kinds of files the most frequent one is read.

    Raises:
        DataError: nothing that is read, or a bad file.
    """
    known = readers.recording_readers()
    if path.is_file():
        if path.suffix.lower() not in known:
            raise DataError("is no recording", str(path), ", ".join(sorted(known)))
        found: list[Recording] = known[path.suffix.lower()].read_recordings(path)
        return found
    if not path.is_dir():
        raise DataError(
            "there is no such folder", str(path), "check the spelling; it may have been moved"
        )
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in known)
    if not files:
        raise DataError("holds no recordings", str(path), ", ".join(sorted(known)))
    if len(files) > _MOST:
        raise DataError(
            f"holds {len(files)} files, more than {_MOST}",
            str(path),
            "open one of the folders in it, or put the samples into one NPZ file",
        )
    modules = Counter(known[file.suffix.lower()] for file in files)
    module = modules.most_common(1)[0][0]
    index = edge_impulse.index(path)
    return [
        _placed(recording, file.relative_to(path), index)
        for file in files
        if known[file.suffix.lower()] is module
        for recording in module.read_recordings(file)
    ]


def _placed(recording: Recording, file: Path, index: dict[str, tuple[str, str]]) -> Recording:
    """A recording with what its place in the folder says."""
    parts = list(file.parts[:-1])
    split = split_named(parts[0]) if parts else ""
    label = parts[1 if split else 0] if len(parts) > bool(split) else ""
    if (known := index.get(file.as_posix())) is not None:
        label, split = known
    alone = recording.group == recording.where or recording.group == file.name
    return replace(
        recording,
        labels=(label,) if label else recording.labels,
        group=file.as_posix() if alone else f"{file.as_posix()}/{recording.group}",
        split=split or recording.split,
    )
