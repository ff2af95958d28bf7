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
from studio.compiler.run import run
from studio.job import finish
from studio.model.importers.onnx import load
from studio.model.model import Model

pytestmark = pytest.mark.needs_data


@cache
def opened(path: str) -> Model:
    return Model.from_bytes(load(MODELS / path), Path(path).stem)


def drawn(path: str, runs: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = opened(path).inputs[0].shape
    return [rng.uniform(0, 26, shape).astype(np.float32) for _ in range(runs)]


@pytest.mark.parametrize("path", names(ONNX, "float"))
def test_float_nets_in_c_are_near_onnxruntime(path):
    program = lower(opened(path))
    library = finish(HostModel.build(program))
    for x in drawn(path):
        (want,) = judged(opened(path), x)
        (y,) = library.run([program.inputs[0].to_physical(x)])
        np.testing.assert_allclose(program.outputs[0].to_logical(y), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", names(ONNX, "int8"))
def test_quantised_nets_in_c_choose_as_onnxruntime_does(path):
    model = opened(path)
    program = lower(model)
    library = finish(HostModel.build(program))
    slot, out = program.inputs[0], program.outputs[0]
    for x in drawn(path, 20):
        stored = slot.to_physical(slot.quantize(x))
        (y,) = library.run([stored])
        assert y.tobytes() == run(program, [stored])[0].tobytes()
        real, want = out.to_logical(out.dequantize(y.reshape(out.shape))), judged(model, x)[0]
        if np.diff(np.sort(want.reshape(-1))[-2:])[0] > 4 * out.scale:  # else the two are as good
            assert real.argmax() == want.argmax()
        assert np.abs(real - want).max() <= 0.06 * np.ptp(want) + 4 * out.scale


@pytest.mark.parametrize("path", names(ONNX, "int8"))
def test_layers_of_quantised_nets_are_at_most_one_step_from_onnxruntime(path):
    program = lower(opened(path))
    for x in drawn(path):
        difference, layer = worst_layer(opened(path), program, x)
        assert difference <= 1, layer
