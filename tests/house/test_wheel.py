"""The wheel carries what the program needs, and works outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_carries_profiles_and_the_c_runtime(site: Path) -> None:
    packed = site / "studio" / "_data"
    for room in ("resources", "runtime_c"):
        ours = {path.relative_to(ROOT) for path in (ROOT / room).rglob("*") if path.is_file()}
        theirs = {path.relative_to(packed) for path in (packed / room).rglob("*") if path.is_file()}
        assert ours == theirs


def test_the_wheel_runs_outside_the_checkout(site: Path, tmp_path: Path) -> None:
    code = "import sys, studio.cli; sys.exit(studio.cli.main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    ran = subprocess.run(
        [sys.executable, "-c", code, "boards", "virtual/host", "--json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout)["boards"][0]["board"] == "virtual/host"
