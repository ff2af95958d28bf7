"""What every test may use: where the shared data is, and what this machine has.

A test that needs QEMU, the Arm gcc or the shared data says so with a mark. Where it is missing,
the test skips and says why; under CI=true that is a failure, so that nothing is skipped unseen.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("STUDIO_DATA") or ROOT.parent / "shared" / "data")

NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "needs_data": (DATA.is_dir, "STUDIO_DATA does not point to the shared test data"),
    "needs_qemu": (lambda: bool(shutil.which("qemu-system-arm")), "no qemu-system-arm on PATH"),
    "needs_litert": (lambda: bool(find_spec("ai_edge_litert")), "ai-edge-litert is not installed"),
    "needs_micro": (lambda: bool(find_spec("tflite_micro")), "tflite-micro is not installed"),
    "needs_h5py": (lambda: bool(find_spec("h5py")), "h5py is not installed"),
    "needs_keras": (lambda: bool(find_spec("keras")), "keras is not installed"),
    "needs_gcc": (lambda: bool(shutil.which("arm-none-eabi-gcc")), "no arm-none-eabi-gcc on PATH"),
}

# Before any test module can make a QApplication.
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# A cache of its own, kept from run to run: objects of the C runtime are worth keeping.
os.environ["STUDIO_CACHE"] = str(ROOT / "build" / "test-cache")


def missing(need: str) -> None:
    """Skip with the reason where `need` is not met; fail under CI=true."""
    met, reason = NEEDS[need]
    if met():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{need}: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in NEEDS:
        if item.get_closest_marker(need):
            missing(need)


@pytest.fixture(scope="session")
def studio_data() -> Path:
    """The folder of shared test data."""
    missing("needs_data")
    return DATA


@pytest.fixture(scope="session")
def needs_qemu() -> None:
    """Skip where there is no QEMU."""
    missing("needs_qemu")


@pytest.fixture(scope="session")
def needs_gcc() -> None:
    """Skip where there is no Arm gcc."""
    missing("needs_gcc")
