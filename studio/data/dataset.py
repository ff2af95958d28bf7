"""Datasets: arrays in the model's input shape, labels and a split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.errors import DataError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a task, checked when made.

    Attributes:
        name: for people.
        x: float32 [n, ...], each sample in the model's input shape without the batch axis.
        y: int64 [n], the class of each sample, or None where there are no labels.
        labels: class names; y indexes them.
        split: [n] of "train", "validation" or "test".
        group: [n] or None: samples of one group (a person, a recording) belong to one split.

    Raises:
        DataError: no samples, arrays of different length, a value that is not finite, a
            label out of range, an unknown split, a group that is in two splits.
    """

    name: str
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64] | None
    labels: tuple[str, ...]
    split: npt.NDArray[np.str_]
    group: npt.NDArray[np.generic] | None = None

    def __post_init__(self) -> None:
        n = len(self.x)
        if not self.x.size:
            raise DataError("has no samples", self.name, "export the data again")
        if self.x.dtype != np.float32:
            raise DataError(
                f"samples are {self.x.dtype}, not float32",
                self.name,
                "convert them with x.astype(numpy.float32)",
            )
        for what, array in (("labels", self.y), ("split", self.split), ("groups", self.group)):
            if array is not None and array.shape != (n,):
                raise DataError(
                    f"{n} samples but {what} of shape {array.shape}",
                    self.name,
                    "give one for each sample",
                )
        finite = np.isfinite(self.x.reshape(n, -1)).all(axis=1)
        if not finite.all():
            raise DataError(
                f"sample {int(np.argmin(finite))} holds NaN or infinity",
                self.name,
                f"{int((~finite).sum())} of {n} samples do; clean or drop them",
            )
        if self.y is not None and not (self.y.min() >= 0 and self.y.max() < len(self.labels)):
            raise DataError(
                f"a label is outside 0 to {len(self.labels) - 1}",
                self.name,
                "labels count from 0; name every class",
            )
        if unknown := set(np.unique(self.split).tolist()) - set(SPLITS):
            raise DataError(f"unknown split '{min(unknown)}'", self.name, ", ".join(SPLITS))
        if self.group is not None and (torn := _torn_group(self.group, self.split)):
            raise DataError(
                f"group '{torn}' is in more than one split",
                self.name,
                "a model would be tested on what it has seen",
            )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.x.shape[1:]

    @cached_property
    def train(self) -> Dataset:
        """The samples to train and calibrate on."""
        return self.part("train")

    @cached_property
    def validation(self) -> Dataset:
        """The samples to choose by."""
        return self.part("validation")

    @cached_property
    def test(self) -> Dataset:
        """The held-out samples to report on."""
        return self.part("test")

    def part(self, split: str) -> Dataset:
        """The samples of one split.

        Raises:
            DataError: there are none.
        """
        chosen = np.flatnonzero(self.split == split)
        if not len(chosen):
            raise DataError(
                f"has no {split} samples",
                self.name,
                f"mark some as {split}, in a column or array named split, or add samples",
            )
        return self.take(chosen)

    def take(self, indices: npt.NDArray[np.intp]) -> Dataset:
        """The samples at `indices`, in that order."""
        y = None if self.y is None else self.y[indices]
        group = None if self.group is None else self.group[indices]
        return Dataset(self.name, self.x[indices], y, self.labels, self.split[indices], group)

    def calibration(self, n: int) -> npt.NDArray[np.float32]:
        """At most `n` samples spread evenly over the training part (all where there is none)."""
        x = self.x[self.split == "train"]
        x = x if len(x) else self.x
        return x[np.linspace(0, len(x) - 1, min(n, len(x))).round().astype(np.intp)]

    @cached_property
    def digest(self) -> str:
        """sha256 of everything that a step can see, in hexadecimal."""
        state = hashlib.sha256()
        for array in (self.x, self.y, self.split, self.group, np.array(self.labels)):
            part = np.array([]) if array is None else np.ascontiguousarray(array)
            state.update(f"{part.dtype.str}{part.shape}".encode())
            state.update(part.tobytes())
        return state.hexdigest()


def load(name: str | Path) -> Dataset:
    """Read a data set.

    Args:
        name: a file that a reader knows, or "example:" and the name of one in `data/examples`.

    Raises:
        DataError: no such file or example, an unknown format, bad contents.
    """
    from studio.data.examples import load_example
    from studio.data.readers import read

    prefix, _, example = str(name).partition(":")
    return load_example(example) if prefix == "example" else read(Path(name))


def classes(answers: npt.NDArray[Any], where: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Class indices and their names from a column of numbers or texts.

    Whole numbers from 0 up are indices already; anything else is numbered in sorted order.

    Raises:
        DataError: an empty or NaN label.
    """
    if answers.dtype.kind in "US":
        if (np.char.str_len(answers) == 0).any():
            raise DataError(
                "a label is empty",
                where,
                "give every sample a class, or leave the label column out",
            )
        try:
            answers = answers.astype(np.float64)
        except ValueError:
            names, y = np.unique(answers, return_inverse=True)
            return y.astype(np.int64), tuple(str(name) for name in names)
    if answers.dtype.kind == "f" and not np.isfinite(answers).all():
        raise DataError(
            "a label is NaN or infinite",
            where,
            "give every sample a class: a name, or a number from 0",
        )
    whole = answers.size and (answers >= 0).all() and (answers == np.floor(answers)).all()
    if whole and answers.max() < 10_000:
        return answers.astype(np.int64), tuple(str(i) for i in range(int(answers.max()) + 1))
    names, y = np.unique(answers, return_inverse=True)
    return y.astype(np.int64), tuple(f"{name:g}" for name in names)


def split_every(n: int, every: int = 4) -> npt.NDArray[np.str_]:
    """A split for data that comes without one: every `every`-th sample is for the test."""
    return np.where(np.arange(n) % every == every - 1, "test", "train")


def _torn_group(group: npt.NDArray[Any], split: npt.NDArray[np.str_]) -> str:
    """The first group with samples in more than one split; empty where there is none."""
    names, member = np.unique(group, return_inverse=True)
    parts = np.unique(np.stack([member, np.unique(split, return_inverse=True)[1]]), axis=1)
    often = np.bincount(parts[0]) > 1
    return str(names[often.argmax()]) if often.any() else ""
