"""Every file of the shared data has a row, and the program answers for it in time and memory."""

from __future__ import annotations

import sys
from functools import cache

import pytest
from bench.inspect_files import LIMIT_BYTES, LIMIT_S, Inspection, inspect
from model.corpus import CORPUS, KERAS, MODELS, ONNX, TFLITE, model_files

pytestmark = pytest.mark.needs_data


def test_every_file_has_one_row():
    assert sorted(CORPUS) == model_files()
    assert len(CORPUS) == len(TFLITE) + len(ONNX) + len(KERAS)


@cache
def inspected(path: str) -> Inspection:
    return inspect(MODELS / path)


@pytest.mark.parametrize("path", CORPUS)
def test_the_program_says_of_every_file_what_its_row_does(path):
    row, seen = CORPUS[path], inspected(path)
    assert seen.status == (2 if row.verdict == "refused" else 0), seen.says
    assert row.says in seen.says
    assert "bug" not in seen.says
    assert ("hint:" in seen.says) == (row.verdict == "refused")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("path", CORPUS)
def test_inspect_takes_under_ten_seconds_and_a_gigabyte(path):
    seen = inspected(path)
    assert 0.1 < seen.worked_s < LIMIT_S  # took_s is for a quiet machine: make bench-inspect
    assert 10e6 < seen.peak_bytes < LIMIT_BYTES
