"""Data files: what is read and what is refused, by row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.data.dataset import load
from studio.errors import DataError


def written(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_takes_the_last_column_as_the_class(tmp_path: Path) -> None:
    data = load(written(tmp_path, "1,2,cat\n3,4,dog\n5,6,cat\n7,8,dog\n"))
    assert data.x.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert data.labels == ("cat", "dog") and data.y is not None and data.y.tolist() == [0, 1, 0, 1]
    assert data.split.tolist() == ["train", "train", "train", "test"]


def test_csv_takes_the_named_columns(tmp_path: Path) -> None:
    text = "Label,a,b,split,group\n2,1,2,train,ann\n0,3,4,test,bob\n"
    data = load(written(tmp_path, text))
    assert data.x.tolist() == [[1, 2], [3, 4]]
    assert data.y is not None and data.y.tolist() == [2, 0] and data.labels == ("0", "1", "2")
    assert data.split.tolist() == ["train", "test"]
    assert data.group is not None and data.group.tolist() == ["ann", "bob"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("\n\n", "no rows"),
        ("a,b,label\n", "a header but no rows"),
        ("a,b,label\n1,2,0\n1,0\n", "row 3: has 2 cells, not 3"),
        ("a,b,label\n1,2,0\n1,oops,0\n", "row 3: 'oops' in column 'b' is no number"),
        ("a,b,label\n1,nan,0\n", "sample 0 holds NaN"),
        ("a,b,label\n1,,0\n", "is no number"),
        ("a,a,label\n1,2,0\n", "same name"),
        ("label\n1\n", "no columns besides the label"),
        ("a,label\n1,\n", "a label is empty"),
        ("a,split,label\n1,weird,0\n", "unknown split 'weird'"),
    ],
)
def test_bad_csv_is_named_by_row_and_column(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        load(written(tmp_path, text))


def test_npz_takes_parts_or_one_array_with_a_split(tmp_path: Path) -> None:
    x = np.arange(8).reshape(4, 2)
    path = tmp_path / "a.npz"
    np.savez(path, x_train=x, y_train=[0, 1, 1, 0], x_test=x[:1], y_test=[1])
    data = load(path)
    assert data.split.tolist() == ["train"] * 4 + ["test"] and data.x.dtype == np.float32
    np.savez(path, x=x, y=["b", "a", "a", "b"])
    data = load(path)
    assert data.labels == ("a", "b") and data.y is not None and data.y.tolist() == [1, 0, 0, 1]
    np.savez(path, x=x)
    assert load(path).y is None


@pytest.mark.parametrize(
    ("arrays", "what"),
    [
        ({"images": np.ones((2, 2))}, "no array x or x_train, but images"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "no samples"),
        ({"x": np.ones(3)}, "x has the shape"),
        ({"x": np.ones((2, 2)), "y": np.ones((2, 2))}, "y has the shape"),
        ({"x": np.ones((2, 2)), "y": np.ones(3)}, "2 samples but labels"),
        ({"x": np.ones((2, 2)), "y": np.array([0, np.nan])}, "label is NaN"),
        ({"x": np.full((2, 2), np.nan)}, "holds NaN"),
        ({"x": np.full((2, 2), 1e300)}, "holds NaN or infinity"),
        ({"x": np.array(["a", "b"])}, "x has the shape"),
        ({"x_train": np.ones((2, 2)), "x_test": np.ones((2, 3))}, "different shapes"),
        ({"x_train": np.ones((2, 2)), "y_train": np.ones(2), "x_test": np.ones((2, 2))}, "y_test"),
    ],
)
def test_bad_npz_is_named(tmp_path: Path, arrays: dict[str, np.ndarray], what: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=what):
        load(tmp_path / "a.npz")


def test_a_damaged_or_pickled_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([[print]], dtype=object))
    with pytest.raises(DataError, match="no readable NumPy archive"):
        load(path)
    np.savez(path, x=np.ones((50, 50)))
    for content in (path.read_bytes()[:300], b"PK\x03\x04 no archive", b"text"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no readable NumPy archive"):
            load(path)


SERIES = "@problemName t\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n7,8,9:0,1,2:b\n"


def test_ts_holds_channels_and_samples(tmp_path: Path) -> None:
    data = load(written(tmp_path, SERIES, "walks.ts"))
    assert data.x.shape == (2, 2, 3) and data.x[1, 0].tolist() == [7, 8, 9]
    assert data.labels == ("a", "b") and data.y is not None and data.y.tolist() == [0, 1]


def test_ts_opens_train_and_test_together(tmp_path: Path) -> None:
    written(tmp_path, SERIES, "walks_TRAIN.ts")
    data = load(written(tmp_path, SERIES, "walks_TEST.ts"))
    assert data.split.tolist() == ["train", "train", "test", "test"] and data.name == "walks"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1,2,3:4,5,6:c", "line 6: unknown class 'c'"),
        ("1,2:4,5,6:a", "line 6: is no series"),
        ("1,?,3:4,5,6:a", "line 6: is no series"),
        ("1,2:4,5:a", "different lengths"),
    ],
)
def test_bad_ts_is_named_by_line(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        load(written(tmp_path, SERIES + line, "walks.ts"))
    with pytest.raises(DataError, match="no samples"):
        load(written(tmp_path, "@classLabel true a\n@data\n", "empty.ts"))


def test_files_that_are_no_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no data format") as raised:
        load(written(tmp_path, "x", "data.xlsx"))
    assert ".csv" in raised.value.hint
    with pytest.raises(DataError, match="No such file"):
        load(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="is no text file"):
        load(tmp_path / "binary.csv")
