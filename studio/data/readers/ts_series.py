"""The .ts format of the time-series archives: multivariate series of equal length.

A line holds one series: channels separated by colons, samples by commas, the class last.
Of NAME_TRAIN.ts and NAME_TEST.ts either one opens both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.dataset import Dataset
from studio.errors import DataError

SUFFIXES = (".ts",)


def read(path: Path) -> Dataset:
    """Read a file, or the pair that it belongs to; x is [n, channels, samples].

    Raises:
        DataError: no classes, series of different length, a sample that is no number.
    """
    stem, _, part = path.stem.rpartition("_")
    pair = {s: path.with_name(f"{stem}_{s.upper()}{path.suffix}") for s in ("train", "test")}
    if part not in ("TRAIN", "TEST") or not all(file.exists() for file in pair.values()):
        pair = {"train": path}
    series, answers, split = [], [], []
    labels: tuple[str, ...] = ()
    for name, file in pair.items():
        labels, rows, classes = _parse(file)
        series += rows
        answers += classes
        split += [name] * len(rows)
    if len({row.shape for row in series}) > 1:
        raise DataError(
            "its series have different lengths", str(path), "cut or pad all to one length"
        )
    x = np.stack(series) if series else np.empty((0, 0), np.float32)
    return Dataset(stem or path.stem, x, np.array(answers, np.int64), labels, np.array(split))


def _parse(
    path: Path,
) -> tuple[tuple[str, ...], list[npt.NDArray[np.float32]], list[int]]:
    labels: tuple[str, ...] = ()
    series, answers = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if line.lower().startswith("@classlabel"):
            labels = tuple(line.split()[2:])
        if not line or line[0] in "#@":
            continue
        *channels, label = line.split(":")
        if label not in labels:
            raise DataError(
                f"unknown class '{label}'",
                f"{path}, line {number}",
                "list it in the line @classLabel true ...",
            )
        answers.append(labels.index(label))
        try:
            series.append(np.array([c.split(",") for c in channels], np.float32))
        except ValueError:
            raise DataError(
                "is no series of numbers",
                f"{path}, line {number}",
                "numbers stand between commas, channels between colons, all channels equally long",
            ) from None
    return labels, series, answers
