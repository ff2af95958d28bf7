"""A file is written whole or not at all, and a place that cannot be written is told early."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.writing import check_place, write_whole


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", no_room)
    with pytest.raises(ModelError, match="No space left") as failed:
        write_whole(path, b"new", ModelError)
    assert failed.value.where == str(path)
    assert failed.value.hint
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "model.onnx", tmp_path / "latest.onnx"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"new")
        assert os.read(reader, 8) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["", "missing/model.onnx"])
def test_a_place_that_cannot_be_written_is_told_early(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError) as refused:
        check_place(tmp_path / name, ModelError)
    assert refused.value.hint


@pytest.mark.skipif(os.name == "nt", reason="there are no such rights")
def test_files_have_the_rights_that_the_user_gives_them(tmp_path: Path) -> None:
    path, before = tmp_path / "net.onnx", os.umask(0o077)
    try:
        write_whole(path, b"new")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    write_whole(path, b"other")
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == b"other"
    assert list(tmp_path.iterdir()) == [path]
