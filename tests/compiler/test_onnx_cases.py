"""ONNX's own cases and onnx2c's: each passes, or is refused for the reason that the table lists."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

import pytest
from onnx_cases import backend_cases, folder_cases, outcome
from onnx_outcomes_table import ONNX2C_REFUSED, PASSED, REFUSED

REASONS = {name: reason for reason, names in REFUSED.items() for name in names}
EXPECTED = {**dict.fromkeys(PASSED, "pass"), **REASONS}
backend = cache(backend_cases)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.filterwarnings("ignore")  # numpy's, from ONNX's own reference and test data
def test_a_case_of_onnx(name):
    assert outcome(backend()[name]) == EXPECTED[name]


@pytest.mark.needs_data
@pytest.mark.filterwarnings("ignore")
def test_the_cases_of_onnx2c(studio_data: Path, tmp_path: Path):
    archive = studio_data / "vectors" / "onnx2c-local-ops" / "onnx2c-local-ops.tar.xz"
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    found = {name: outcome(case) for name, case in folder_cases(tmp_path).items()}
    refused = {name: reason for name, reason in found.items() if reason != "pass"}
    assert refused == {name: reason for reason, names in ONNX2C_REFUSED.items() for name in names}
    assert len(found) == 75
