"""The ONNX files of the shared data: what opens, and that it computes what onnxruntime says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from judge import judged, worst_layer
from model.corpus import ONNX

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.errors import Unsupported
from studio.job import finish
from studio.model.importers.onnx import load
from studio.model.model import Model

MODELS = DATA / "models"
pytestmark = pytest.mark.needs_data


def rows(verdict: str) -> list[str]:
    return [path for path, row in ONNX.items() if row.verdict == verdict]


@cache
def opened(path: str) -> Model:
    return Model.from_bytes(load(MODELS / path), Path(path).stem)


def drawn(path: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = opened(path).inputs[0].shape
    return [rng.uniform(0, 26, shape).astype(np.float32) for _ in range(3)]


def test_the_table_names_every_file():
    assert {str(path.relative_to(MODELS)) for path in MODELS.rglob("*.onnx")} == set(ONNX)


@pytest.mark.parametrize("path", rows("float"))
def test_float_nets_in_c_are_near_onnxruntime(path):
    program = lower(opened(path))
    library = finish(HostModel.build(program))
    for x in drawn(path):
        (want,) = judged(opened(path), x)
        (y,) = library.run([program.inputs[0].to_physical(x)])
        np.testing.assert_allclose(y.reshape(want.shape), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", rows("int8"))
def test_layers_of_quantised_nets_are_at_most_one_step_from_onnxruntime(path):
    program = lower(opened(path))
    for x in drawn(path):
        difference, layer = worst_layer(opened(path), program, x)
        assert difference <= 1, layer


@pytest.mark.parametrize("path", rows("waits"))
def test_what_opens_but_cannot_be_lowered_names_the_operator(path):
    with pytest.raises(Unsupported, match=ONNX[path].says):
        lower(opened(path))
