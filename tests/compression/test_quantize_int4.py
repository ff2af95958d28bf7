"""4-bit weights, rounded by GPTQ or AdaRound: the bars, the packing, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from nets import Net, ds_cnn, noise

from studio.compression import adaround, quantize_int4
from studio.compression.adaround import AdaRound, soft_rounding
from studio.compression.layer_inputs import as_matrix, columns, from_matrix
from studio.compression.quantize_int4 import QuantizeInt4
from studio.compression.rounding import gptq, nearest, searched_scales
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.compare import output_sqnr_db
from studio.model.evaluate import evaluate, infer_all
from studio.model.model import Model

Bench = tuple[Model, Dataset]


def random_data(model: Model, n: int = 16) -> Dataset:
    return Dataset("random", noise(model, n), None, (), np.full(n, "train"))


def quantized(model: Model, **params: object) -> Model:
    step = QuantizeInt4(**params)  # type: ignore[arg-type]
    return finish(quantize_int4.run(step, model, random_data(model)))


def mixed_net() -> Model:
    net = Net()
    x = net.conv("x", (6, 2, 3, 3), pads=[1, 0, 1, 2], strides=[2, 1], kernel_shape=[3, 3])
    x = net.conv(x, (6, 1, 3, 3), group=6, dilations=[2, 2], kernel_shape=[3, 3])
    x = net.conv(x, (4, 3, 1, 1), group=2, auto_pad="SAME_UPPER", kernel_shape=[1, 1])
    x = net.conv(x, (4, 4, 2, 2), auto_pad="SAME_LOWER", strides=[2, 2], kernel_shape=[2, 2])
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    weight = net.const(net.rng.normal(size=(4, 7)))
    return net.model((1, 2, 14, 13), net.node("Gemm", x, weight))


def stored_weights(model: Model) -> dict[str, onnx.TensorProto]:
    graph = onnx.ModelProto.FromString(model.to_bytes()).graph
    return {t.name: t for t in graph.initializer if t.name.endswith(".weight")}


@pytest.mark.needs_data
def test_the_bars_of_int4_on_digits(digits_bench: Bench) -> None:
    model, data = digits_bench
    plain = QuantizeInt4(
        rounding="nearest", scales="range", compensate=False, bias_correction=False
    )
    before, after = (finish(quantize_int4.run(p, model, data)) for p in (plain, QuantizeInt4()))
    reached = output_sqnr_db(model, after, data.test.x)
    assert reached >= 20
    assert reached >= output_sqnr_db(model, before, data.test.x) + 5
    assert evaluate(after, data).accuracy >= 0.983


@pytest.mark.needs_data
def test_the_bar_of_adaround_on_digits(digits_bench: Bench) -> None:
    model, data = digits_bench
    result = finish(adaround.run(AdaRound(), model, data))
    assert output_sqnr_db(model, result, data.test.x) >= 22.5


def test_weights_are_packed_two_to_a_byte_in_valid_onnx() -> None:
    model = mixed_net()
    result = quantized(model)
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    found = stored_weights(result)
    assert len(found) == 5
    for tensor in found.values():
        assert tensor.data_type == onnx.TensorProto.INT4
        assert len(tensor.raw_data) == -(-int(np.prod(tensor.dims)) // 2)
        values = onnx.numpy_helper.to_array(tensor).astype(int)
        assert values.min() >= -7 and values.max() == 7
    assert output_sqnr_db(model, result, random_data(model).x) > 15


def test_what_is_to_be_kept_stays_int8() -> None:
    kinds = [
        t.data_type
        for t in stored_weights(quantized(ds_cnn(), keep_first=True, keep_last=True)).values()
    ]
    eight = onnx.TensorProto.INT8
    assert kinds == [eight, *[onnx.TensorProto.INT4] * 8, eight]


def test_one_scale_for_a_tensor_is_a_scalar() -> None:
    result = quantized(mixed_net(), per_channel=False)
    scales = [v for n, v in result.ir.graph.initializers.items() if n.endswith(".weight.scale")]
    assert len(scales) == 5 and all(v.shape is not None and len(v.shape) == 0 for v in scales)


def test_an_older_opset_is_raised_to_where_int4_begins() -> None:
    net = Net()
    model = net.model((1, 3, 6, 6), net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3]), opset=17)
    result = quantized(model)
    assert result.ir.graph.opset_imports[""] == 21 and model.ir.graph.opset_imports[""] == 17
    assert output_sqnr_db(model, result, random_data(model).x) > 15


def test_a_net_without_layers_and_keeping_all_are_refused() -> None:
    net = Net()
    model = net.model((1, 8), net.node("Relu", "x"))
    with pytest.raises(RecipeError, match="no Conv or Gemm"):
        quantize_int4.preview(QuantizeInt4(), model)
    net = Net()
    model = net.model((1, 8), net.dense("x", 8, 4))
    for step, params in (
        (quantize_int4, QuantizeInt4(keep_last=True)),
        (adaround, AdaRound(keep_first=True)),
    ):
        with pytest.raises(RecipeError, match="no layer is left"):
            finish(step.run(params, model, random_data(model)))  # type: ignore[attr-defined]


def test_columns_times_the_matrix_are_what_the_layer_computes() -> None:
    model = mixed_net()
    values = infer_all(model, random_data(model).x[0])
    for node in model.ir.graph:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        weight = node.inputs[1].const_value.numpy()
        matrix = as_matrix(node, weight)
        answer = matrix @ columns(node, values[node.inputs[0].name])
        answer = answer.reshape(len(answer) * answer.shape[1], -1)
        if len(node.inputs) > 2:
            answer = answer + node.inputs[2].const_value.numpy()[:, None]
        wanted = values[node.outputs[0].name]
        assert np.allclose(answer, wanted.reshape(answer.shape), atol=1e-4)
        assert np.array_equal(from_matrix(node, matrix, weight.shape), weight)


def test_each_rounding_leaves_less_error_at_the_output_than_the_nearest() -> None:
    rng = np.random.default_rng(0)
    matrix, mixing = rng.normal(size=(2, 12, 20)), rng.normal(size=(2, 20, 20))
    covariance = mixing @ mixing.transpose(0, 2, 1)
    scale = searched_scales(matrix, 4, covariance, nearest, True, 0.0)

    def error(stored: np.ndarray) -> float:
        assert np.abs(stored).max() <= 7 and np.array_equal(stored, np.rint(stored))
        left = stored * scale - matrix
        return float(((left @ covariance) * left).sum())

    plain = error(nearest(covariance)(matrix, scale, 4))
    assert error(gptq(covariance)(matrix, scale, 4)) < 0.8 * plain
    assert error(soft_rounding(covariance, 600)(matrix, scale, 4)) < 0.8 * plain


def test_inputs_that_never_vary_do_not_break_the_rounding() -> None:
    model = mixed_net()
    zeros = Dataset("zeros", np.zeros((4, 2, 14, 13), np.float32), None, (), np.full(4, "train"))
    for step, params in ((quantize_int4, QuantizeInt4()), (adaround, AdaRound(iterations=5))):
        result = finish(step.run(params, model, zeros))  # type: ignore[attr-defined]
        assert np.isfinite(infer_all(result, zeros.x[0])[model.outputs[0].name]).all()
