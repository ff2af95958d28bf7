"""Data sets are checked when made."""

from __future__ import annotations

import numpy as np
import pytest

from studio.data.dataset import Dataset
from studio.errors import DataError


def made(**changes: object) -> Dataset:
    fields: dict[str, object] = {
        "name": "made",
        "x": np.arange(12, dtype=np.float32).reshape(6, 2),
        "y": np.array([0, 1, 0, 1, 0, 1]),
        "labels": ("a", "b"),
        "split": np.array(["train"] * 4 + ["test"] * 2),
    }
    return Dataset(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"x": np.empty((0, 2), np.float32), "y": None, "split": np.array([], str)}, "no samples"),
        ({"x": np.ones((6, 2))}, "not float32"),
        ({"y": np.array([0, 1])}, "6 samples but labels of shape"),
        ({"y": np.array([0, 1, 2, 0, 1, 0])}, "outside 0 to 1"),
        ({"y": np.array([0, -1, 0, 0, 1, 0])}, "outside 0 to 1"),
        ({"split": np.array(["train"])}, "split of shape"),
        ({"split": np.array(["train"] * 5 + ["tset"])}, "unknown split 'tset'"),
        ({"x": np.array([[0, 1]] * 5 + [[0, np.nan]], np.float32)}, "sample 5 holds NaN"),
        ({"x": np.array([[np.inf, 1]] * 6, np.float32)}, "sample 0 holds NaN or infinity"),
    ],
)
def test_bad_data_are_named(changes: dict[str, object], what: str) -> None:
    with pytest.raises(DataError, match=what):
        made(**changes)


def test_parts_follow_the_split() -> None:
    data = made()
    assert len(data.train) == 4 and len(data.test) == 2
    assert data.test.y is not None and data.test.y.tolist() == [0, 1]
    with pytest.raises(DataError, match="no validation samples"):
        data.validation  # noqa: B018


def test_calibration_takes_training_samples_spread_evenly() -> None:
    data = made()
    assert data.calibration(100).tolist() == data.train.x.tolist()
    assert data.calibration(2).tolist() == data.train.x[[0, 3]].tolist()
    unsplit = made(split=np.full(6, "test"))
    assert len(unsplit.calibration(100)) == 6


def test_the_digest_changes_with_everything_that_a_step_can_see() -> None:
    changes: list[dict[str, object]] = [
        {},
        {"x": made().x + 1},
        {"y": None},
        {"labels": ("a", "c")},
        {"split": np.full(6, "train")},
        {"group": np.arange(6)},
    ]
    assert len({made(**change).digest for change in changes}) == len(changes)
    assert made().digest == made(name="other").digest
