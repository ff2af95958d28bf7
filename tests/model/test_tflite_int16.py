"""Single TFLite operators on int16, made by hand, against both of TFLite's interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from int16_nets import CASES, NOT_LITERT, NOT_MICRO, judged
from tflite_judges import LiteRt, Micro, as_judged, draw, stored_inputs

from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run
from studio.model.importers.tflite import load
from studio.model.model import Model

RUNS = 100
DTYPES = {2: "int32", 7: "int16", 9: "int8"}
pytestmark = pytest.mark.needs_litert  # for its schema


def opened(data: bytes, folder: Path) -> Model:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return Model.from_bytes(load(path), "net")


def drawn(rng: np.random.Generator, shape: list[int], dtype: str) -> np.ndarray:
    """Every stored value."""
    wide = dtype == "int32"
    return rng.integers(-(2**31), 2**31, shape, np.int32) if wide else draw(rng, shape, dtype)


def differing(name: str, rounding: str, judge: type[LiteRt] | type[Micro], folder: Path) -> int:
    """How many values of 100 runs on random inputs differ."""
    net, inputs, outputs = CASES[name]()
    data = net.to_bytes(inputs, outputs)
    program = lower(opened(data, folder), Options(rounding=rounding))
    judging = LiteRt(data) if judge is LiteRt else Micro(data, len(outputs))
    rng, count = np.random.default_rng(0), 0
    for _ in range(RUNS):
        x = [drawn(rng, net.tensors[i].shape, DTYPES[net.tensors[i].type]) for i in inputs]
        found = run(program, stored_inputs(program, x))
        for buffer, y, want in zip(program.outputs, found, judging.run(x), strict=True):
            assert buffer.dtype == str(want.dtype)
            count += int((as_judged(buffer, y, want) != want).sum())
    return count


@pytest.mark.parametrize("name", judged(NOT_LITERT))
def test_operators_equal_litert_byte_for_byte(name, tmp_path):
    assert differing(name, "litert", LiteRt, tmp_path) == 0


@pytest.mark.needs_micro
@pytest.mark.parametrize("name", judged(NOT_MICRO))
def test_operators_equal_tflite_micro_byte_for_byte(name, tmp_path):
    assert differing(name, "double", Micro, tmp_path) == 0


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_calculated_in_float(name, tmp_path):
    net, inputs, outputs = CASES[name]()
    program: Program = lower(opened(net.to_bytes(inputs, outputs), tmp_path))
    assert not program.notes
    assert not any("f32" in call.kernel for call in program.calls)
