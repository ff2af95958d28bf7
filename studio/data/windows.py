"""Recordings cut into windows, and splits in which no group is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.data.dataset import SPLITS, Dataset
from studio.errors import DataError


@dataclass(frozen=True, eq=False)
class Recording:
    """A stretch of time, or an image.

    Attributes:
        x: float32 [time, channels]; an image is [channels, height, width].
        labels: a class for each row of x, one for all, or none.
        group: what must stay together: a file, a person.
        split: train, validation or test where the data say so, else empty.
        where: for errors.
    """

    x: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    group: str
    split: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """How recordings become samples.

    Attributes:
        window: rows of a sample; 0 takes each recording as one sample.
        stride: rows from one window's start to the next; 0 is the window's length.
        channels_first: samples are [channels, time].
        scale: factor on every number.
        validation: share of the samples to choose by.
        test: share of the samples to report on.
        seed: of the split.
    """

    window: int = 0
    stride: int = 0
    channels_first: bool = False
    scale: float = 1.0
    validation: float = 0.0
    test: float = 0.25
    seed: int = 0


def dataset(
    name: str, recordings: Sequence[Recording], cut: Cut, classes: Sequence[str] = ()
) -> Dataset:
    """Cut recordings into samples and split them by group.

    Args:
        name: of the data.
        recordings: to cut.
        cut: how.
        classes: in the order of the model's outputs; empty: in the order of the alphabet.

    Raises:
        DataError: no recordings, none as long as the window, different shapes, or a class that
            `classes` lacks.
    """
    if not recordings:
        raise DataError("holds no recordings", name, "choose a folder with recordings")
    x: list[npt.NDArray[np.float32]] = []
    answers: list[str] = []
    groups: list[str] = []
    given: list[str] = []
    for recording in recordings:
        for start, sample in _samples(recording, cut):
            x.append(sample)
            groups.append(recording.group)
            given.append(recording.split)
            answers.append(_label(recording, start, cut.window))
    if not x:
        longest = max(len(recording.x) for recording in recordings)
        raise DataError(
            f"no recording is as long as a window of {cut.window}",
            name,
            f"the longest has {longest} rows",
        )
    if len(shapes := {sample.shape for sample in x}) > 1:
        raise DataError(
            f"its recordings have different shapes, such as {' and '.join(_two(shapes))}",
            name,
            "give a window length" if x[0].ndim == 2 else "bring the images to one size",
        )
    labels, y = _classes(answers, classes, name)
    array = np.array(groups)
    split = np.array(given)
    if not all(given):
        split = split_groups(array, y, cut.validation, cut.test, cut.seed)
    stacked = np.stack(x) * np.float32(cut.scale)
    return Dataset(name, stacked, y, labels, split, array)


def split_groups(
    groups: npt.NDArray[np.generic],
    y: npt.NDArray[np.int64] | None,
    validation: float = 0.0,
    test: float = 0.25,
    seed: int = 0,
) -> npt.NDArray[np.str_]:
    """A split in which the samples of a group stay together.

    Class by class (a group counts for its most frequent one), groups in random order fill the
    test and then the validation part until their shares are reached; one group at least remains
    to train on.

    Args:
        groups: [n], the group of each sample.
        y: int64 [n], or None.
        validation: share of the samples.
        test: share of the samples.
        seed: of the order.
    """
    rng = np.random.default_rng(seed)
    names, member = np.unique(groups, return_inverse=True)
    answers = np.zeros(len(member), np.int64) if y is None else y
    sizes = np.bincount(member)
    most = np.array([np.bincount(answers[member == i]).argmax() for i in range(len(names))])
    part = np.full(len(names), "train", dtype="U10")
    for label in np.unique(most):
        waiting = rng.permutation(np.flatnonzero(most == label)).tolist()
        total = sizes[most == label].sum()
        for name, share in (("test", test), ("validation", validation)):
            taken = 0
            while len(waiting) > 1 and share > 0 and taken + sizes[waiting[0]] / 2 < share * total:
                chosen = waiting.pop(0)
                part[chosen] = name
                taken += sizes[chosen]
    return part[member]


def _samples(recording: Recording, cut: Cut) -> list[tuple[int, npt.NDArray[np.float32]]]:
    x = recording.x
    if x.ndim != 2:
        return [(0, x)]
    length = cut.window or len(x)
    starts = range(0, len(x) - length + 1, cut.stride or length)
    parts = [(start, x[start : start + length]) for start in starts]
    return [(start, part.T if cut.channels_first else part) for start, part in parts]


def _label(recording: Recording, start: int, window: int) -> str:
    """The most frequent label of a window; the first of those that are as frequent."""
    if len(recording.labels) < 2:
        return recording.labels[0] if recording.labels else ""
    stop = start + window if window else None
    return Counter(recording.labels[start:stop]).most_common(1)[0][0]


def _classes(
    answers: list[str], order: Sequence[str], where: str
) -> tuple[tuple[str, ...], npt.NDArray[np.int64] | None]:
    known = {answer for answer in answers if answer}
    if not known:
        return (), None
    if "" in answers:
        raise DataError(
            "some recordings have a class and some have none",
            where,
            "give each a class, by its folder or file name, or give none",
        )
    if order and (missing := known.difference(order)):
        raise DataError(f"class '{min(missing)}' is not among the classes", where, ", ".join(order))
    labels = tuple(order or sorted(known))
    index = {label: i for i, label in enumerate(labels)}
    return labels, np.array([index[answer] for answer in answers], np.int64)


def _two(shapes: set[tuple[int, ...]]) -> list[str]:
    return [str(list(shape)) for shape in sorted(shapes)[:2]]


def split_named(name: str) -> str:
    """The split that a folder's name stands for; empty where it is no such name."""
    plain = name.lower()
    known = {"training": "train", "testing": "test", "valid": "validation", "val": "validation"}
    plain = known.get(plain, plain)
    return plain if plain in SPLITS else ""
