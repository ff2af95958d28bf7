"""Real keyword nets against onnxruntime: layer by layer within one, end to end the same answer."""

from __future__ import annotations

import numpy as np
import pytest
from judge import worst_layer
from nets import noise, quantized

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.compiler.run import run
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model
from studio.model.model import Model

SAMPLES = 1000
FLOAT, QDQ = "micro_kws_m_static_fp32.onnx", "micro_kws_m_static_qdq.onnx"


def opened(studio_data, file: str) -> Model:
    return finish(open_model(studio_data / "models" / "emx-micro-kws" / file))


@pytest.mark.needs_data
@pytest.mark.parametrize("file", [FLOAT, QDQ])
def test_int8_keyword_nets_answer_as_onnxruntime_does(studio_data, file):
    model = opened(studio_data, file)
    model = model if model.quantized else quantized(model)
    program = lower(model)
    source, target = program.inputs[0], program.outputs[0]
    rng = np.random.default_rng(1)
    stored = rng.integers(-128, 128, (SAMPLES, *source.shape)).astype(np.int8)
    real = np.concatenate([source.to_logical(source.dequantize(x)) for x in stored])
    want = infer(model, real)[0]
    host = finish(HostModel.build(program))
    got = np.concatenate([target.to_logical(host.run([x])[0]) for x in stored])
    assert np.mean(got.argmax(1) == want.argmax(1)) >= 0.99
    assert np.abs(got.astype(int) - target.quantize(want)).max() <= 4
    for x in real[:5]:
        difference, where = worst_layer(model, program, x[None])
        assert difference <= 1, where
    assert np.array_equal(run(program, [stored[0]])[0], got[0].reshape(target.shape))


@pytest.mark.needs_data
def test_the_float_keyword_net_computes_what_onnxruntime_computes(studio_data):
    model = opened(studio_data, FLOAT)
    program = lower(model)
    source, target = program.inputs[0], program.outputs[0]
    x = noise(model, 10)
    want = infer(model, x)[0]
    host = finish(HostModel.build(program))
    got = np.concatenate([target.to_logical(host.run([source.to_physical(s[None])])[0]) for s in x])
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
    assert np.array_equal(run(program, [source.to_physical(x[:1])])[0].ravel(), got[0].ravel())
