"""The example data: complete, as published, and named where they are not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.data.dataset import load
from studio.data.examples import motion
from studio.errors import DataError


def test_digits_are_scikit_learns() -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    bunch = sklearn.load_digits()
    data = load("example:digits")
    assert data.x.shape == (1797, 1, 8, 8) and len(data.test) == 597
    order = np.random.default_rng(0).permutation(1797)
    assert np.array_equal(data.x[:, 0] * 16, bunch.images[order])
    assert data.y is not None and np.array_equal(data.y, bunch.target[order])


def test_motion_is_the_archives_split() -> None:
    data = load("example:motion")
    assert data.x.shape == (80, 6, 100)
    assert data.labels == ("Standing", "Running", "Walking", "Badminton")
    for part in (data.train, data.test):
        assert part.y is not None and np.bincount(part.y).tolist() == [10] * 4


@pytest.mark.needs_data
def test_motion_reads_a_folder_of_the_archive(studio_data: Path) -> None:
    data = motion.load(studio_data / "sensors" / "aeon-imu")
    assert data.digest == load("example:motion").digest


def test_motion_is_found_without_importing_the_package_that_carries_it() -> None:
    code = (
        "import sys; from studio.data.dataset import load; load('example:motion');"
        "sys.exit(bool({'aeon', 'sktime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_recordings_that_are_not_installed_say_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for folder in (None, tmp_path):
        with pytest.raises(DataError) as raised:
            motion.load(folder)
        assert raised.value.hint == "pip install --no-deps aeon"


def test_an_unknown_example_is_named() -> None:
    with pytest.raises(DataError, match="no example 'nothing'") as raised:
        load("example:nothing")
    assert "digits" in raised.value.hint
