"""16-bit activations: the bar, the form of the graph, and biases that need 64 bits."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from nets import OPERATORS, Net, noise

from studio.compression import quantize_int8, quantize_int16
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int16 import QuantizeInt16
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.compare import output_sqnr_db
from studio.model.model import Model


def random_data(model: Model, n: int = 16) -> Dataset:
    return Dataset("random", noise(model, n), None, (), np.full(n, "train"))


def quantized(model: Model, **params: object) -> Model:
    step = QuantizeInt16(**params)  # type: ignore[arg-type]
    return finish(quantize_int16.run(step, model, random_data(model)))


@pytest.mark.needs_data
def test_the_bar_on_digits(digits_bench: tuple[Model, Dataset]) -> None:
    model, data = digits_bench
    eight = finish(quantize_int8.run(QuantizeInt8(), model, data))
    result = finish(quantize_int16.run(QuantizeInt16(), model, data))
    gain = output_sqnr_db(model, result, data.test.x) - output_sqnr_db(model, eight, data.test.x)
    assert gain >= 10


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_quantised_with_symmetric_activations(name: str) -> None:
    model = OPERATORS[name]()
    result = quantized(model)
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    points = [v for v in result.ir.graph.initializers.values() if "zero_point" in (v.name or "")]
    assert points and all(v.dtype == 5 and v.const_value.numpy() == 0 for v in points)
    assert output_sqnr_db(model, result, random_data(model).x) > 30


def test_known_intervals_take_one_part_in_two_to_the_fifteenth() -> None:
    net = Net()
    sigmoid, tanh = net.node("Sigmoid", "x"), net.node("Tanh", "x")
    result = quantized(net.model((1, 8), sigmoid, tanh))
    for name in (sigmoid, tanh):
        scale = result.ir.graph.initializers[f"{name}/scale"].const_value
        assert scale is not None and scale.numpy() == np.float32(1 / 32768)


@pytest.mark.parametrize("refine", [False, True])
def test_a_bias_that_does_not_fit_int32_takes_int64_through_cast_and_mul(refine: bool) -> None:
    net = Net()
    weight = net.const(net.rng.normal(0, 1e-6, (4, 6)))
    model = net.model((1, 6), net.node("Gemm", "x", weight, net.const([3.0, -2.0, 1.0, 0.5]),
                                       transB=1))  # fmt: skip
    result = quantized(model, refine=refine)
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    (gemm,) = (node for node in result.ir.graph if node.op_type == "Gemm")
    scaled = gemm.inputs[2].producer()
    assert scaled.op_type == "Mul" and scaled.inputs[0].producer().op_type == "Cast"
    stored = scaled.inputs[0].producer().inputs[0].const_value.numpy()
    assert stored.dtype == np.int64 and np.abs(stored).max() > 2**31
    factor = scaled.inputs[1].const_value.numpy()
    assert np.allclose(stored * factor, [3.0, -2.0, 1.0, 0.5], rtol=1e-5)
    weights = gemm.inputs[1].producer().inputs[0].const_value.numpy()
    assert np.abs(weights).max() == 127


def test_headroom_widens_the_ranges() -> None:
    net = Net()
    model = net.model((1, 6), net.dense("x", 6, 4, relu=False))
    scales = [
        quantized(model, headroom=h).ir.graph.initializers["x/scale"].const_value.numpy()
        for h in (1.0, 2.0)
    ]
    assert scales[1] == pytest.approx(2 * scales[0])
