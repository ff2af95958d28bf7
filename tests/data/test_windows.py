"""Windows and splits: what is cut, and that nothing leaks from one side to the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.compression.step import Needs, offered, steps
from studio.data.dataset import Dataset, load
from studio.data.readers.folder import recordings
from studio.data.windows import Cut, Recording, dataset, split_groups
from studio.errors import DataError


def recording(length: int, label: str = "a", group: str = "g", start: int = 0) -> Recording:
    x = np.arange(start, start + 2 * length, dtype=np.float32).reshape(length, 2)
    return Recording(x, (label,) if label else (), group)


def test_windows_overlap_by_the_stride_and_drop_the_rest() -> None:
    data = dataset("d", [recording(10)], Cut(window=4, stride=3, test=0))
    assert data.x[:, 0, 0].tolist() == [0, 6, 12] and data.shape == (4, 2)
    assert dataset("d", [recording(10)], Cut(window=4)).x.shape[0] == 2
    turned = dataset("d", [recording(10)], Cut(window=4, channels_first=True, scale=0.5))
    assert turned.shape == (2, 4) and turned.x[0, 1].tolist() == [0.5, 1.5, 2.5, 3.5]


def test_a_window_has_the_label_that_most_of_its_rows_have() -> None:
    x = np.zeros((8, 1), np.float32)
    data = dataset("d", [Recording(x, tuple("aaabbbbb"), "g")], Cut(window=4))
    assert data.y is not None and [data.labels[i] for i in data.y] == ["a", "b"]


@pytest.mark.parametrize(
    ("found", "cut", "what"),
    [
        ([], Cut(), "no recordings"),
        ([recording(3)], Cut(window=4), "no recording is as long as a window of 4"),
        ([recording(3), recording(4)], Cut(), "different shapes"),
        ([recording(3), recording(3, "")], Cut(), "some have none"),
    ],
)
def test_bad_recordings_are_named(found: list[Recording], cut: Cut, what: str) -> None:
    with pytest.raises(DataError, match=what):
        dataset("d", found, cut)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=25),
    test=st.floats(0, 0.5),
    validation=st.floats(0, 0.4),
    seed=st.integers(0, 5),
)
def test_no_group_is_ever_on_two_sides(
    sizes: list[tuple[int, int]], test: float, validation: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), [n for n, _ in sizes])
    y = np.repeat([label for _, label in sizes], [n for n, _ in sizes])
    split = split_groups(groups, y, validation, test, seed)
    for group in np.unique(groups):
        assert len(set(split[groups == group])) == 1
    for label in np.unique(y):
        assert "train" in split[y == label]
    assert np.array_equal(split, split_groups(groups, y, validation, test, seed))


def test_the_shares_are_met_class_by_class() -> None:
    groups, y = np.repeat(np.arange(100), 10), np.repeat([0, 1], 500)
    split = split_groups(groups, y, validation=0.1, test=0.2)
    for label in (0, 1):
        shares = [(split[y == label] == s).mean() for s in ("train", "validation", "test")]
        assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.03)


def test_a_data_set_with_a_torn_group_is_refused() -> None:
    x, split = np.zeros((3, 2), np.float32), np.array(["train", "test", "test"])
    with pytest.raises(DataError, match="group 'ann' is in more than one split"):
        Dataset("d", x, None, (), split, np.array(["ann", "ann", "bob"]))


def test_without_labels_only_label_free_steps_are_offered() -> None:
    labelled = dataset("d", [recording(8)], Cut(window=2))
    bare = dataset("d", [recording(8, "")], Cut(window=2))
    assert bare.y is None and bare.labels == ()
    assert set(offered(labelled)) == set(steps())
    assert all(Needs.LABELS not in step.needs for step in offered(bare).values())
    assert {"quantize_int8", "equalize"} <= set(offered(bare))
    assert all(step.needs is Needs.NOTHING for step in offered(None).values())


@pytest.mark.needs_data
def test_sts_activities_are_split_by_file(studio_data: Path, tmp_path: Path) -> None:
    source = studio_data / "sensors" / "st-har-lsm6dsl"
    path = tmp_path / "har.toml"
    path.write_text(
        f'source = "{source.as_posix()}"\nwindow = 260\nstride = 130\nscale = 0.00025\n'
        "validation = 0.15\ntest = 0.25\n"
    )
    data = load(path)
    assert data.shape == (260, 3) and data.labels == ("running", "stationary", "walking")
    assert data.group is not None and len(set(data.group.tolist())) == 92
    sides = [set(part.group.tolist()) for part in (data.train, data.validation, data.test)]  # type: ignore[union-attr]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    for part in (data.train, data.validation, data.test):
        assert part.y is not None and len(np.unique(part.y)) == 3
    assert abs(len(data.test) / len(data) - 0.25) < 0.05 and np.abs(data.x).max() < 1.5


@pytest.mark.needs_data
def test_parquet_recordings_are_windowed_by_file(studio_data: Path, tmp_path: Path) -> None:
    source = studio_data / "sensors" / "m5stick-har" / "cgestures.parquet"
    assert {r.x.shape[1] for r in recordings(source)} == {3}
    path = tmp_path / "gestures.toml"
    path.write_text(f'source = "{source.as_posix()}"\nwindow = 50\nstride = 25\n')
    data = load(path)
    assert data.labels == ("idle", "snake", "updown", "wave") and data.shape == (50, 3)
    assert len(data.test) > 10


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("window = 3", "'source' is missing"),
        ("source = 3", "'source' is missing"),
        ('source = "."\nwindows = 3', "unknown field 'windows'"),
        ('source = "."\nwindow = 2.5', "'window' must be of type int"),
        ('source = "."\nwindow = -1', "'window' is negative"),
        ('source = "."\ntest = 0.6\nvalidation = 0.4', "nothing to train on"),
        ('source = "absent"', "no such folder"),
        ('source = "."\ngroup = "("', "'group' is no pattern"),
        ('source = "."\ngroup = "person"', "'group' does not match"),
        ('source = "."\nclasses = "walking"', "'classes' must be a list"),
        ('source = "."\nclasses = ["a", "a"]', "names a class twice"),
        ("source = ", "is no TOML"),
    ],
)
def test_a_bad_description_is_named(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "one.csv").write_text("1,2\n3,4\n")
    path = tmp_path / "d.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=what):
        load(path)


def test_a_part_of_the_path_can_be_the_group(tmp_path: Path) -> None:
    for person in range(4):
        for take in range(2):
            (tmp_path / f"p{person}_{take}.csv").write_text("1,2\n3,4\n")
    path = tmp_path / "d.toml"
    path.write_text('source = "."\ngroup = "p(\\\\d)_"\n')
    data = load(path)
    assert data.group is not None and sorted(set(data.group.tolist())) == ["0", "1", "2", "3"]
    assert data.x.shape == (8, 2, 2)


def test_classes_stand_in_the_order_of_the_models_outputs(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.csv").write_text("1,2\n3,4\n")
    path = tmp_path / "d.toml"
    path.write_text('source = "."\nclasses = ["c", "d", "a", "b"]\n')
    data = load(path)
    assert data.labels == ("c", "d", "a", "b")
    assert data.y is not None and data.y.tolist() == [2, 3, 0]
    path.write_text('source = "."\nclasses = ["a", "b"]\n')
    with pytest.raises(DataError, match="class 'c' is not among the classes"):
        load(path)
