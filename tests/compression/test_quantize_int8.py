"""Post-training quantisation: the bars, the form of the graph, and what it refuses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from judge import onnxruntime_quantized
from nets import Net, autoencoder, ds_cnn, resnet8

from studio.compression.qdq import Grid, symmetric
from studio.compression.quantize_int8 import STEP, QuantizeInt8, preview, run
from studio.data.dataset import Dataset, load
from studio.errors import DataError, RecipeError
from studio.job import finish
from studio.model.compare import compare_layers, output_sqnr_db
from studio.model.evaluate import evaluate, infer
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

Bench = tuple[Model, Dataset]


def random_data(model: Model, n: int = 32) -> Dataset:
    shape = (n, *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Dataset("random", x, None, (), np.full(n, "train"))


def quantized(model: Model, **params: object) -> Model:
    return finish(run(QuantizeInt8(**params), model, random_data(model)))  # type: ignore[arg-type]


def operators(model: Model) -> Counter[str]:
    counted = Counter(node.op_type for node in model.ir.graph)
    for op_type in ("QuantizeLinear", "DequantizeLinear"):
        counted.pop(op_type, None)
    return counted


def grid_of(model: Model, value: str) -> tuple[float, int]:
    """Scale and zero point of a quantised value, by the name that it has behind its DQ."""
    node = next(n for n in model.ir.graph if n.outputs[0].name == value)
    assert node.op_type == "DequantizeLinear"
    scale, zero_point = (v.const_value.numpy().item() for v in node.inputs[1:3])
    return scale, zero_point


@pytest.mark.needs_data
def test_the_bar_on_digits(digits_bench: Bench) -> None:
    model, data = digits_bench
    result = finish(run(QuantizeInt8(), model, data))
    assert output_sqnr_db(model, result, data.test.x) >= 36
    assert evaluate(model, data).correct - evaluate(result, data).correct <= 2


@pytest.mark.needs_data
def test_each_choice_does_what_it_is_for(digits_bench: Bench) -> None:
    model, data = digits_bench
    x = data.test.x[:200]

    def noise(**params: object) -> float:
        step = QuantizeInt8(**params)  # type: ignore[arg-type]
        return output_sqnr_db(model, finish(run(step, model, data)), x)

    plain = noise(bias_correction=False)
    assert noise() > plain + 0.5
    assert noise(bias_correction=False, per_channel=False) < plain - 3
    assert noise(bias_correction=False, method="percentile", percentile=99.9) < plain - 5
    assert noise(bias_correction=False, method="percentile", percentile=100.0) == plain


@pytest.mark.needs_data
def test_at_most_one_db_below_onnxruntimes_quantiser(digits_bench: Bench) -> None:
    model, data = digits_bench
    ours = finish(run(QuantizeInt8(), model, data))
    theirs = onnxruntime_quantized(model, data)
    x = data.test.x
    assert output_sqnr_db(model, ours, x) >= output_sqnr_db(model, theirs, x) - 1


@pytest.mark.parametrize("net", [autoencoder, ds_cnn, resnet8])
def test_a_preview_has_exactly_the_structure_of_the_result(net: object) -> None:
    model: Model = net()  # type: ignore[operator]
    seen, made = preview(QuantizeInt8(), model), quantized(model, samples=4)

    def structure(m: Model) -> list[tuple[object, ...]]:
        return [
            (n.op_type, n.name, *(v.name for v in n.inputs if v), *(v.name for v in n.outputs))
            for n in m.ir.graph
        ]

    assert structure(seen) == structure(made)
    shapes = [
        {name: (v.dtype, v.shape) for name, v in m.ir.graph.initializers.items()}
        for m in (seen, made)
    ]
    assert shapes[0] == shapes[1]
    for node in seen.ir.graph:
        assert seen.shape_of(node.outputs[0].name) == made.shape_of(node.outputs[0].name)


def test_the_result_is_valid_onnx_with_float_borders() -> None:
    model = resnet8()
    result = quantized(model, samples=4)
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    assert result.inputs == model.inputs and result.outputs == model.outputs
    assert operators(result) == operators(model)
    graph = result.ir.graph
    assert [u.op_type for u in graph.inputs[0].consumers()] == ["QuantizeLinear"]
    assert graph.outputs[0].producer().op_type == "DequantizeLinear"


def test_weights_are_symmetric_and_biases_have_the_product_scale() -> None:
    result = quantized(ds_cnn(), samples=4)
    layers = [node for node in result.ir.graph if node.op_type in ("Conv", "Gemm")]
    assert len(layers) == 10
    for node in layers:
        source, weight, bias = (value.producer() for value in node.inputs)
        stored, scale = (value.const_value.numpy() for value in weight.inputs[:2])
        assert stored.dtype == np.int8 and stored.min() >= -127
        assert np.abs(stored).reshape(len(stored), -1).max(axis=1).tolist() == [127] * len(stored)
        steps, bias_scale = (value.const_value.numpy() for value in bias.inputs[:2])
        assert steps.dtype == np.int32 and bias.attributes.get_int("axis") == 0
        assert np.array_equal(bias_scale, source.inputs[1].const_value.numpy() * scale)


def test_an_activation_is_part_of_the_layer_that_only_it_reads() -> None:
    net = Net()
    fused = net.conv("x", (4, 3, 1, 1), kernel_shape=[1, 1])
    read_twice = net.conv(fused, (4, 4, 1, 1), kernel_shape=[1, 1], relu=False)
    relu = net.node("Relu", read_twice)
    model = net.model((1, 3, 4, 4), net.node("Add", relu, read_twice))
    result = quantized(model)
    nodes = {node.name: node for node in result.ir.graph}
    assert nodes[fused].inputs[0].producer().op_type == "Conv"
    assert nodes[relu].inputs[0].producer().op_type == "DequantizeLinear"
    assert grid_of(result, relu) == grid_of(result, read_twice)


def test_what_copies_values_keeps_their_scale() -> None:
    net = Net()
    x = net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3])
    pooled = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    padded = net.node("Pad", pooled, net.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    mean = net.node("AveragePool", padded, kernel_shape=[2, 2])
    turned = net.node("Transpose", mean, perm=[0, 2, 3, 1])
    flat = net.node("Reshape", turned, net.const([1, -1], np.int64))
    model = net.model((1, 3, 8, 8), net.node("Softmax", flat))
    result = quantized(model)
    assert len({grid_of(result, name) for name in (x, pooled, padded, mean, turned, flat)}) == 1
    assert grid_of(result, model.outputs[0].name) == (1 / 256, -128)


def test_concat_joins_the_scales_of_its_parts() -> None:
    net = Net()
    one, two = net.node("Relu", "x"), net.node("Tanh", "x")
    constant = net.const(np.full((1, 1, 4), 9.0))
    both = net.node("Concat", one, two, constant, axis=1)
    result = quantized(net.model((1, 2, 4), both))
    assert grid_of(result, one) == grid_of(result, two) == grid_of(result, both)
    scale, zero_point = grid_of(result, both)
    assert scale * (127 - zero_point) == pytest.approx(9, abs=scale)
    assert output_sqnr_db(net.model((1, 2, 4), both), result, random_data(result).x) > 30


def test_functions_with_a_known_interval_have_a_fixed_scale() -> None:
    net = Net()
    sigmoid, tanh = net.node("Sigmoid", "x"), net.node("Tanh", "x")
    model = net.model((1, 8), sigmoid, tanh)
    result = quantized(model)
    assert grid_of(result, sigmoid) == (1 / 256, -128)
    assert grid_of(result, tanh) == (1 / 128, 0)


def test_a_matrix_product_with_a_bias_becomes_gemm() -> None:
    net = Net()
    product = net.node("MatMul", "x", net.const(net.rng.normal(size=(6, 5))))
    out = net.node("Relu", net.node("Add", product, net.const(net.rng.normal(size=5))))
    model = net.model((1, 6), out)
    result = quantized(model)
    assert operators(result) == {"Gemm": 1, "Relu": 1}
    assert output_sqnr_db(model, result, random_data(model).x) > 30


def test_alpha_beta_and_a_scalar_bias_of_gemm_go_into_its_constants() -> None:
    net = Net()
    weight, bias = net.const(net.rng.normal(size=(6, 5))), net.const(0.7)
    model = net.model((1, 6), net.node("Gemm", "x", weight, bias, alpha=0.5, beta=2.0))
    result = quantized(model)
    (gemm,) = (node for node in result.ir.graph if node.op_type == "Gemm")
    assert "alpha" not in gemm.attributes and gemm.inputs[2].shape == (5,)
    assert output_sqnr_db(model, result, random_data(model).x) > 30


def test_constants_of_add_and_mul_are_symmetric_int8() -> None:
    net = Net()
    gain, offset = net.const(net.rng.normal(size=(1, 4, 1))), net.const([[[2.0]]])
    model = net.model((1, 4, 8), net.node("Add", net.node("Mul", "x", gain), offset))
    result = quantized(model)
    stored = [v for v in result.ir.graph.initializers.values() if "operand" in v.name]
    assert sorted(v.dtype.name for v in stored) == ["FLOAT", "FLOAT", "INT8", "INT8"]
    assert output_sqnr_db(model, result, random_data(model).x) > 30


def test_operators_that_are_not_quantised_stay_float_between_integers() -> None:
    net = Net()
    x = net.node("Softplus", net.conv("x", (4, 3, 1, 1), kernel_shape=[1, 1]))
    model = net.model((1, 3, 4, 4), net.conv(x, (2, 4, 1, 1), kernel_shape=[1, 1]))
    result = quantized(model)
    (middle,) = (node for node in result.ir.graph if node.op_type == "Softplus")
    assert middle.inputs[0].producer().op_type == "DequantizeLinear"
    assert [user.op_type for user in middle.outputs[0].consumers()] == ["QuantizeLinear"]
    assert output_sqnr_db(model, result, random_data(model).x) > 25


def test_a_dead_channel_and_a_constant_input_do_not_break_the_scales() -> None:
    net = Net()
    weight = net.rng.normal(size=(4, 3, 1, 1))
    weight[1] = 0
    weight[2] *= 1e-12
    conv = net.node("Conv", "x", net.const(weight), net.const([1.0, 5.0, -5.0, 0.0]))
    model = net.model((1, 3, 4, 4), conv)
    result = quantized(model)
    assert output_sqnr_db(model, result, random_data(model).x) > 30
    zeros = Dataset("zeros", np.zeros((4, 3, 4, 4), np.float32), None, (), np.full(4, "train"))
    still = finish(run(QuantizeInt8(), model, zeros))
    assert np.isfinite(infer(still, zeros.x)[0]).all()


def test_the_same_data_give_the_same_bytes_and_the_source_is_unchanged() -> None:
    model = ds_cnn()
    before = Model.from_ir(model.clone_ir()).digest
    first, second = (quantized(model, samples=8) for _ in range(2))
    assert first.digest == second.digest
    assert Model.from_ir(model.clone_ir()).digest == before
    assert first.history[-1]["params"]["samples"] == 8


def test_layers_compare_by_name_with_the_float_model() -> None:
    model = ds_cnn()
    result = quantized(model)
    noise = compare_layers(model, result, random_data(model).x[:4])
    assert len(noise) == len(model.ir.graph) and all(layer.sqnr_db > 20 for layer in noise)


def test_a_quantised_model_is_refused_by_run_and_preview() -> None:
    model = ds_cnn()
    result = quantized(model, samples=2)
    with pytest.raises(RecipeError, match="quantised already"):
        preview(QuantizeInt8(), result)
    with pytest.raises(RecipeError, match="quantised already"):
        finish(run(QuantizeInt8(), result, random_data(model)))


def test_no_data_and_wrong_data_are_refused() -> None:
    with pytest.raises(RecipeError, match="needs samples"):
        finish(run(QuantizeInt8(), ds_cnn(), None))
    with pytest.raises(DataError, match="the model takes"):
        finish(run(QuantizeInt8(), ds_cnn(), load("example:digits")))


def test_parameters_out_of_range_are_refused() -> None:
    for bad in ({"samples": 0}, {"method": "entropy"}, {"percentile": 10.0}, {"per_channel": 1}):
        with pytest.raises(RecipeError):
            STEP.make(**bad)


def test_a_grid_holds_zero_exactly_and_spans_its_range() -> None:
    for lo, hi in ((-1.0, 3.0), (0.0, 6.0), (2.0, 6.0), (-6.0, -2.0), (0.0, 0.0)):
        grid = Grid.over(lo, hi)
        ends = float(grid.scale) * (np.array([-128, 127]) - int(grid.zero_point))
        assert ends[0] <= min(lo, 0) + grid.scale and ends[1] >= max(hi, 0) - grid.scale
        assert -128 <= grid.zero_point <= 127 and grid.scale > 0


def test_symmetric_weights_round_to_at_most_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(size=(5, 7))
    stored, scale = symmetric(weight, 0)
    assert np.abs(stored * scale[:, None] - weight).max() <= scale.max() / 2 + 1e-7


@pytest.mark.needs_data
def test_a_real_keyword_net_is_quantised_on_seeded_random_inputs(studio_data: Path) -> None:
    path = studio_data / "models" / "emx-micro-kws" / "micro_kws_m_static_fp32.onnx"
    model = Model.from_bytes(load_onnx(path), "micro_kws")
    result = quantized(model)
    assert operators(result)["Gemm"] == 3 and not operators(result)["MatMul"]
    assert output_sqnr_db(model, result, random_data(model).x) > 30
