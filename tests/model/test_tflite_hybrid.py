"""Operators with int8 weights and float activations, made by hand, against LiteRT's kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tflite_judges import LiteRt, as_judged, stored_inputs
from tflite_nets import TfliteNet

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.job import finish
from studio.model.importers.tflite import load
from studio.model.model import Model

RELU6 = 3


def dense(asymmetric: bool, rows: int, bias: bool = True) -> bytes:
    net, rng = TfliteNet(), np.random.default_rng(5)
    x, y = net.tensor((rows, 40), "float32"), net.tensor((rows, 17), "float32")
    inputs = [x, net.const(rng.integers(-127, 128, (17, 40)), "int8", scale=0.00217)]
    if bias:
        inputs.append(net.const(rng.normal(size=17), "float32"))
    net.op(
        "FULLY_CONNECTED", inputs, [y], "FullyConnectedOptions", fusedActivationFunction=RELU6,
        asymmetricQuantizeInputs=asymmetric,
    )  # fmt: skip
    return net.to_bytes([x], [y])


def conv(kind: str, per_channel: bool) -> bytes:
    net, rng = TfliteNet(), np.random.default_rng(5)
    depthwise = kind == "DEPTHWISE_CONV_2D"
    filters = 12 if depthwise else 10
    scale = rng.uniform(0.001, 0.004, filters if per_channel else 1)
    shape = (1, 3, 2, filters) if depthwise else (filters, 3, 2, 6)
    x, y = net.tensor((1, 9, 8, 6), "float32"), net.tensor((1, 5, 4, filters), "float32")
    axis = 3 if depthwise else 0
    w = net.const(rng.integers(-127, 128, shape), "int8", scale=scale, axis=axis)
    bias = net.const(rng.normal(size=filters), "float32")
    options: dict[str, Any] = {"depthMultiplier": 2} if depthwise else {}
    net.op(
        kind, [x, w, bias], [y], "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        padding=0, strideH=2, strideW=2, dilationHFactor=1, dilationWFactor=1, **options,
    )  # fmt: skip
    return net.to_bytes([x], [y])


NETS = {
    "dense": lambda: dense(False, 1),
    "dense without a bias": lambda: dense(False, 1, bias=False),
    "dense, several rows": lambda: dense(False, 7),
    "dense, asymmetric": lambda: dense(True, 7),
    "conv": lambda: conv("CONV_2D", False),
    "conv per channel": lambda: conv("CONV_2D", True),
    "depthwise": lambda: conv("DEPTHWISE_CONV_2D", True),
}


@pytest.mark.needs_litert
@pytest.mark.parametrize("name", NETS)
def test_hybrid_operators_equal_litert(name, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(NETS[name]())
    judge = LiteRt(path.read_bytes())
    program = lower(Model.from_bytes(load(path), "net"))
    library = finish(HostModel.build(program))
    assert "tms_dynamic_quantize_f32" in {call.kernel for call in program.calls}
    rng, shape = np.random.default_rng(0), program.inputs[0].logical_shape
    for low, high in ((-3, 3), (0, 5), (-7, 0), (0, 0), (-0.1, 40)):
        for _ in range(20):
            x = rng.uniform(low, high, shape).astype(np.float32)
            (want,) = judge.run([x])
            (y,) = library.run(stored_inputs(program, [x]))
            np.testing.assert_allclose(
                as_judged(program.outputs[0], y, want), want, rtol=1e-6, atol=1e-6
            )
