"""Folders of audio, images and Edge Impulse files, and what is damaged among them."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from studio.data.dataset import load
from studio.errors import DataError


def wav(path: Path, frames: bytes, width: int = 2, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(16_000)
        file.writeframes(frames)


def impulse(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    payload = {"interval_ms": 10, "sensors": [{"name": "x", "units": "g"}], "values": values}
    path.write_text(json.dumps({"protected": {}, "signature": "00", "payload": payload}))


@pytest.mark.needs_data
def test_speech_clips_are_audio_from_minus_one_to_one(studio_data: Path, tmp_path: Path) -> None:
    clips = studio_data / "sensors" / "speech-clips"
    for word in ("yes", "no", "silence"):
        (tmp_path / word).mkdir()
        for copy in range(4):
            target = tmp_path / word / f"{copy}.wav"
            target.write_bytes((clips / f"{word}_1000ms.wav").read_bytes())
    data = load(tmp_path)
    assert data.shape == (16_000, 1) and data.labels == ("no", "silence", "yes")
    assert 0.1 < np.abs(data.x).max() <= 1 and len(data.test) == 3


@pytest.mark.needs_data
def test_images_are_grey_planes_from_zero_to_one(studio_data: Path) -> None:
    from studio.data.readers.folder import recordings

    person = studio_data / "sensors" / "speech-clips" / "person.bmp"
    (found,) = recordings(person)
    assert found.x.shape == (1, 96, 96) and 0 <= found.x.min() < 0.2 < 0.8 < found.x.max() <= 1


def test_every_width_of_pcm_is_read(tmp_path: Path) -> None:
    half = {1: b"\xc0\x40", 2: b"\x00\x40\x00\xc0", 3: b"\x00\x00\x40\x00\x00\xc0",
            4: b"\x00\x00\x00\x40\x00\x00\x00\xc0"}  # fmt: skip
    for width, frames in half.items():
        wav(tmp_path / f"w{width}" / "a.wav", frames, width)
        assert load(tmp_path / f"w{width}").x.ravel().tolist() == [0.5, -0.5]
    wav(tmp_path / "stereo" / "a.wav", half[2] * 2, 2, channels=2)
    assert load(tmp_path / "stereo").x.tolist() == [[[0.5, -0.5], [0.5, -0.5]]]


def test_images_of_classes_with_a_split_above(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for split, kind, value in (("train", "cat", 10), ("train", "dog", 20), ("test", "cat", 255)):
        path = tmp_path / split / kind / "one.png"
        path.parent.mkdir(parents=True)
        image.new("RGB", (4, 2), (value, 0, 0)).save(path)
    data = load(tmp_path)
    assert data.shape == (3, 2, 4) and data.labels == ("cat", "dog")
    assert data.split.tolist() == ["test", "train", "train"] and data.test.x.max() == 1


def test_edge_impulse_files_take_their_class_from_the_name_or_the_index(tmp_path: Path) -> None:
    impulse(tmp_path / "training" / "idle.1.json", [[0, 1], [2, 3]])
    impulse(tmp_path / "training" / "wave.1.json", [[4, 5], [6, 7]])
    impulse(tmp_path / "testing" / "idle.2.json", [[8, 9], [1, 1]])
    data = load(tmp_path)
    assert data.labels == ("idle", "wave")
    assert sorted(data.split.tolist()) == ["test", "train", "train"]
    files = [
        {"path": f"training/{name}.1.json", "category": "testing",
         "label": {"type": "label", "label": label}}
        for name, label in (("idle", "still"), ("wave", "moving"))
    ]  # fmt: skip
    (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": files}))
    data = load(tmp_path)
    assert set(data.labels) == {"idle", "moving", "still"} and len(data.test) == 3


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.wav", b"RIFF", "no readable WAV"),
        ("a.png", b"\x89PNG\r\n", "no readable image"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b"[]", "no JSON object"),
        ("a.json", b'{"payload": {}}', "no payload.values"),
        ("a.json", b'{"payload": {"values": [[1, 2], [3]]}}', "no table of numbers"),
        ("a.txt", b"?", "holds no recordings"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=what):
        load(tmp_path)


def test_a_damaged_parquet_file_and_columns_of_texts_are_named(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and nothing")
    with pytest.raises(DataError, match="no readable Parquet"):
        load(path)
    parquet.write_table(arrow.table({"a": ["x", "y"], "label": [0, 1]}), path)
    with pytest.raises(DataError, match="column 'a' holds"):
        load(path)


def test_parquet_rows_are_samples_with_and_without_labels(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    columns = {"A": [1.0, 2.0, 3.0, 4.0], "b": [5, 6, 7, 8]}
    parquet.write_table(arrow.table(columns), path)
    assert load(path).y is None and load(path).x.tolist()[1] == [2, 6]
    parquet.write_table(
        arrow.table({**columns, "label": list("xyxy"), "person": list("mmnn")}), path
    )
    data = load(path)
    assert data.labels == ("x", "y") and data.group is not None
    assert data.group.tolist() == list("mmnn")
