"""Kept objects: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.build import object_cache
from studio.targets import resources


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(tmp_path: Path) -> Path:
    made = tmp_path / "a.o"
    made.write_bytes(b"\x7fELF and more" * 100)
    object_cache.keep("ab12", made)
    return made


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    made = kept(tmp_path)
    assert object_cache.fetch("ab12", tmp_path / "b.o")
    assert (tmp_path / "b.o").read_bytes() == made.read_bytes()
    assert not object_cache.fetch("ab13", tmp_path / "c.o")


@pytest.mark.parametrize("left", [0, 5, 40, 1000])
def test_an_object_that_was_cut_short_is_compiled_again(
    tmp_path: Path, own_cache: Path, left: int
) -> None:
    kept(tmp_path)
    [file] = (own_cache / "objects").glob("*/*")
    os.truncate(file, left)
    assert not object_cache.fetch("ab12", tmp_path / "b.o")


def test_a_cache_that_cannot_be_written_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("STUDIO_CACHE", str(blocked / "cache"))
    folder = resources.cache_folder()
    assert folder.is_dir() and folder != blocked / "cache"
    assert resources.cache_folder() == folder
    kept(tmp_path)
    assert object_cache.fetch("ab12", tmp_path / "b.o")
