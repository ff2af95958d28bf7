"""The wheel carries what the program needs, and works outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

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


def run_outside(site: Path, folder: Path, *words: str) -> dict[str, Any]:
    """What `tinyml-studio WORDS --json` of the wheel answers, in another folder."""
    code = (
        "import sys, studio, studio.cli\n"
        "if __name__ == '__main__':\n"
        "    assert studio.__file__.startswith(sys.argv[1]), studio.__file__\n"
        "    sys.exit(studio.cli.main(sys.argv[2:]))\n"
    )
    script = folder / "run.py"
    script.write_text(code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, script, site, *words, "--json"],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@pytest.mark.parametrize(
    "board",
    ["virtual/host", pytest.param("virtual/mps2-an386", marks=pytest.mark.needs_qemu)],
)
def test_the_wheel_flashes_and_verifies_outside_the_checkout(
    site: Path, tmp_path: Path, board: str
) -> None:
    compress = ("compress", "digits", "--recipe", "safe_int8", "--data", "digits")
    run_outside(site, tmp_path, *compress, "-o", "digits.onnx")
    assert run_outside(site, tmp_path, "flash", "digits.onnx", "--board", board)["verified"]
    assert run_outside(site, tmp_path, "verify", "digits.onnx", "--board", board)["identical"]
