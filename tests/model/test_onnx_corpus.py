"""The ONNX files of the shared data: what opens, and that it computes what onnxruntime says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from judge import judged, worst_layer
from model.corpus import MODELS, ONNX, names

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.job import finish
from studio.model.importers.onnx import load
from studio.model.model import Model

pytestmark = pytest.mark.needs_data


@cache
def opened(path: str) -> Model:
    return Model.from_bytes(load(MODELS / path), Path(path).stem)


def drawn(path: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = opened(path).inputs[0].shape
    return [rng.uniform(0, 26, shape).astype(np.float32) for _ in range(3)]


@pytest.mark.parametrize("path", names(ONNX, "float"))
def test_float_nets_in_c_are_near_onnxruntime(path):
    program = lower(opened(path))
    library = finish(HostModel.build(program))
    for x in drawn(path):
        (want,) = judged(opened(path), x)
        (y,) = library.run([program.inputs[0].to_physical(x)])
        np.testing.assert_allclose(program.outputs[0].to_logical(y), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", names(ONNX, "int8"))
def test_layers_of_quantised_nets_are_at_most_one_step_from_onnxruntime(path):
    program = lower(opened(path))
    for x in drawn(path):
        difference, layer = worst_layer(opened(path), program, x)
        assert difference <= 1, layer
