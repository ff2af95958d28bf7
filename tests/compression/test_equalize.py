"""Equalisation: the function stays, channels get one range, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from nets import Net, ds_cnn

from studio.compression import quantize_int8
from studio.compression.equalize import Equalize, preview, run
from studio.compression.quantize_int8 import QuantizeInt8
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.compare import output_sqnr_db
from studio.model.evaluate import infer
from studio.model.model import Model


def assert_same_function(before: Model, after: Model) -> None:
    x = np.random.default_rng(1).normal(size=(4, *before.inputs[0].shape[1:])).astype(np.float32)
    for a, b in zip(infer(before, x), infer(after, x), strict=True):
        assert np.abs(a - b).max() < 1e-4 * max(1, np.abs(a).max())


def weights(model: Model) -> list[np.ndarray]:
    nodes = [n for n in model.ir.graph if n.op_type in ("Conv", "Gemm")]
    return [n.inputs[1].const_value.numpy() for n in nodes]


@pytest.mark.needs_data
def test_the_bar_on_digits(digits_bench: tuple[Model, Dataset]) -> None:
    model, data = digits_bench
    equal = finish(run(Equalize(), model, None))
    plain = QuantizeInt8(per_channel=False, bias_correction=False)
    before, after = (finish(quantize_int8.run(plain, m, data)) for m in (model, equal))
    gain = output_sqnr_db(model, after, data.test.x) - output_sqnr_db(model, before, data.test.x)
    assert gain >= 3


def test_ranges_meet_through_depthwise_pooling_and_flattening() -> None:
    net = Net()
    x = net.conv("x", (8, 3, 3, 3), kernel_shape=[3, 3])
    x = net.conv(x, (8, 1, 3, 3), group=8, kernel_shape=[3, 3])
    x = net.conv(net.node("MaxPool", x, kernel_shape=[2, 2]), (8, 4, 1, 1), group=2,
                 kernel_shape=[1, 1])  # fmt: skip
    x = net.dense(net.node("Flatten", x), 8 * 3 * 3, 5)
    weight = net.const(net.rng.normal(size=(5, 4)))
    model = net.model((1, 3, 8, 8), net.node("Gemm", x, weight))
    equal = preview(Equalize(passes=10), model)
    assert_same_function(model, equal)
    first, depthwise, grouped, dense, last = weights(equal)
    assert len(equal.history[-1]["layers"]) == 4
    spans = np.abs(first).max(axis=(1, 2, 3)), np.abs(depthwise).max(axis=(1, 2, 3))
    assert np.allclose(*spans, rtol=0.05)
    flat = np.abs(dense).reshape(5, 8, 9).max(axis=(0, 2))
    assert np.allclose(np.abs(grouped).max(axis=(1, 2, 3)), flat, rtol=0.05)
    assert np.allclose(np.abs(dense).max(axis=1), np.abs(last).max(axis=1), rtol=0.05)


def test_a_bound_a_second_reader_and_a_mean_over_channels_stop_it() -> None:
    net = Net()
    x = net.conv("x", (4, 3, 1, 1), relu=False, kernel_shape=[1, 1])
    x = net.node("Clip", x, net.const(0.0), net.const(6.0))
    y = net.conv(x, (4, 4, 1, 1), kernel_shape=[1, 1])
    z = net.conv(y, (4, 4, 1, 1), kernel_shape=[1, 1])
    z = net.node("ReduceMean", net.node("Add", y, z), net.const([1], np.int64), keepdims=0)
    model = net.model((1, 3, 4, 4), net.node("Flatten", z))
    with pytest.raises(RecipeError, match="no layer is followed"):
        preview(Equalize(), model)


def test_what_is_balanced_or_quantised_is_refused() -> None:
    model = ds_cnn()
    with pytest.raises(RecipeError, match="balanced already"):
        preview(Equalize(), preview(Equalize(passes=10), preview(Equalize(passes=10), model)))
    with pytest.raises(RecipeError, match="quantised already"):
        preview(Equalize(), quantize_int8.preview(QuantizeInt8(), model))


def test_a_dead_channel_is_left_alone() -> None:
    net = Net()
    weight = net.rng.normal(size=(4, 3, 1, 1))
    weight[2] = 0
    x = net.node("Relu", net.node("Conv", "x", net.const(weight), net.const([1.0, 2, 3, 4])))
    model = net.model((1, 3, 4, 4), net.conv(x, (2, 4, 1, 1), kernel_shape=[1, 1]))
    equal = preview(Equalize(), model)
    assert_same_function(model, equal)


def test_the_source_is_unchanged_and_the_step_is_recorded() -> None:
    model = ds_cnn()
    before = Model.from_ir(model.clone_ir()).digest
    equal = finish(run(Equalize(), model, None))
    assert Model.from_ir(model.clone_ir()).digest == before
    assert equal.digest == preview(Equalize(), model).digest
    (entry,) = equal.history
    assert entry["params"] == {"passes": 3} and "divided by" in entry["layers"]["conv0"]
