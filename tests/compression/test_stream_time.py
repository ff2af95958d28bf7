"""A net that takes a window in hops answers as the one that takes all of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import pytest
from nets import Net, autoencoder, quantized
from time_nets import VALID, causal, filtered, padded, pooled, random_net, strided

from studio.build.host import HostModel
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import run as run_program
from studio.compression.step import steps
from studio.data.dataset import Dataset
from studio.errors import DataError, RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate, infer, infer_sequence
from studio.model.hops import hop_axis
from studio.model.importers import open_model
from studio.model.model import Model

STEP = steps()["stream_time"]
RUNS = 4
Array = npt.NDArray[np.float32]


def streamed(model: Model, hop: int = 0, axis: int = 0) -> Model:
    return STEP.plan(STEP.make(hop=hop, axis=axis), model)


def signal(window: Model, net: Model) -> tuple[Array, Array, int]:
    """Windows that move on by a hop, the hops, and how many of them fill the first window."""
    whole, part = window.inputs[0].shape[1:], net.inputs[0].shape[1:]
    axis = hop_axis(whole, part)
    assert axis is not None
    rows, hop = whole[axis], part[axis]
    fill = -(-rows // hop)
    shape = (*whole[:axis], (fill + RUNS) * hop, *whole[axis + 1 :])
    x = np.random.default_rng(rows).normal(0, 1, shape).astype(np.float32)
    hops = np.stack(np.split(x, fill + RUNS, axis=axis))
    ends = range(fill * hop, (fill + RUNS) * hop + 1, hop)
    windows = [np.take(x, range(end - rows, end), axis=axis) for end in ends]
    return np.stack(windows), hops, fill


def as_onnxruntime(window: Model, net: Model, exact: bool) -> None:
    windows, hops, fill = signal(window, net)
    want, got = infer(window, windows)[0], infer_sequence(net, hops)[0][fill - 1 :]
    np.testing.assert_allclose(got, want, rtol=0, atol=0 if exact else 1e-5)


@cache
def host(program: Program) -> HostModel:
    return finish(HostModel.build(program))


def stored(program: Program, x: Array) -> list[np.ndarray]:
    return [program.inputs[0].to_physical(program.inputs[0].quantize(x[None]))]


def as_generated_code(window: Model, net: Model, plan: str) -> None:
    """The C of the streaming net against the definition of the window net, byte by byte."""
    whole, part = lower(window), lower(net, Options(plan=plan))
    windows, hops, fill = signal(window, net)
    library = host(part)
    library.reset()
    answers = [library.run(stored(part, piece)) for piece in hops][fill - 1 :]
    for x, found in zip(windows, answers, strict=True):
        for want, got in zip(run_program(whole, stored(whole, x)), found, strict=True):
            if got.dtype == np.float32:
                np.testing.assert_allclose(got, want.reshape(got.shape), rtol=1e-5, atol=1e-5)
            else:
                assert got.tobytes() == want.tobytes()


def either(seed: int, int8: bool) -> tuple[Model, Model] | None:
    """A random window net and its streaming form; nothing where the drawn hop serves no layer."""
    model = random_net(seed)
    model = quantized(model) if int8 else model
    hop = int(np.random.default_rng(seed).choice([0, 0, 1, 2, 3, 4, 6, 8, 12, 24]))
    try:
        return model, streamed(model, hop)
    except RecipeError as refusal:
        assert refusal.hint.startswith(("give a multiple", "give fewer"))
        return None


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_nets_answer_alike(first: int, int8: bool) -> None:
    pairs = [pair for seed in range(first, first + 20) if (pair := either(seed, int8))]
    assert len(pairs) > 10
    assert sum(net.macs for _, net in pairs) < 0.7 * sum(window.macs for window, _ in pairs)
    for window, net in pairs:
        onnx.checker.check_model(onnx.ModelProto.FromString(net.to_bytes()), full_check=True)
        as_onnxruntime(window, net, exact=int8)


@pytest.mark.parametrize("plan", ["layerwise", "small"])
@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("seed", range(200, 206))
def test_so_does_their_generated_code(seed: int, int8: bool, plan: str) -> None:
    if pair := either(seed, int8):
        as_generated_code(*pair, plan)


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("name", VALID)
def test_real_shapes_of_inputs(name: str, int8: bool) -> None:
    window = quantized(VALID[name]()) if int8 else VALID[name]()
    net = streamed(window)
    as_onnxruntime(window, net, exact=int8)
    as_generated_code(window, net, "small")
    program = lower(net)
    assert program.transposes <= lower(window).transposes
    kept = {program.buffers[i].dtype for i in program.initial}
    assert kept == {"int8" if int8 else "float32"}
    assert {call.kernel for call in program.calls if "shift" in call.kernel}


@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_results_that_have_time_are_those_of_the_whole_window(int8: bool) -> None:
    window = quantized(filtered()) if int8 else filtered()
    net = streamed(window, hop=3)
    assert [spec.shape for spec in net.outputs] == [spec.shape for spec in window.outputs]
    windows, hops, fill = signal(window, net)
    for want, got in zip(infer(window, windows), infer_sequence(net, hops), strict=True):
        np.testing.assert_allclose(got[fill - 1 :], want, rtol=0, atol=0 if int8 else 1e-5)
    as_generated_code(window, net, "small")


def test_the_hop_is_the_product_of_the_strides_or_what_is_asked_for() -> None:
    model = VALID["spectrogram"]()
    assert streamed(model).inputs[0].shape == (1, 1, 2, 10)
    assert streamed(model, hop=6).inputs[0].shape == (1, 1, 6, 10)
    assert streamed(model, axis=3).inputs[0].shape == (1, 1, 40, 2)
    assert streamed(VALID["flat"]()).inputs[0].shape == (1, 16)
    assert streamed(model).history[-1]["params"] == {"hop": 0, "axis": 0}


def test_a_layer_whose_stride_the_hop_does_not_fill_sees_the_whole_window() -> None:
    net = Net()
    x = net.conv("x", (4, 2, 3), kernel_shape=[3])
    x = net.conv(x, (4, 4, 3), kernel_shape=[3], strides=[2])
    window = net.model((1, 2, 21), net.dense(net.node("Flatten", x), 36, 3, relu=False))
    made = streamed(window, hop=1)
    as_onnxruntime(window, made, exact=False)
    layers = made.history[-1]["layers"]
    assert layers["conv2"] == "sees the last 19 rows, 1 new"
    assert layers["conv0"] == "takes 3 rows, 1 new"


@pytest.mark.parametrize("op_type", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("counted", [0, 1])
def test_pooling_that_ends_beyond_another_axis(op_type: str, counted: int) -> None:
    """ceil_mode keeps the last window across the frequencies, which is no multiple of two."""
    net, counts = Net(), {"count_include_pad": counted} if op_type == "AveragePool" else {}
    x = net.conv("x", (4, 2, 3, 1), kernel_shape=[3, 1])
    shape = {"kernel_shape": [3, 2], "strides": [1, 2], "pads": [0, 1, 0, 0]}
    x = net.node(op_type, x, ceil_mode=1, **shape, **counts)
    window = net.model((1, 2, 18, 6), net.dense(net.node("Flatten", x), 224, 3, relu=False))
    as_onnxruntime(window, streamed(window, axis=2), exact=False)


def test_a_squeeze_without_axes_keeps_time_where_one_row_comes() -> None:
    net = Net()
    x = net.conv("x", (4, 2, 1, 3), kernel_shape=[1, 3])
    x = net.node("ReduceMean", net.node("Squeeze", x), net.const([1], np.int64))
    window = net.model((1, 2, 1, 16), net.node("Reshape", x, net.const([1, 4], np.int64)))
    made = streamed(window, hop=1)
    as_onnxruntime(window, made, exact=False)
    assert made.history[-1]["layers"]["squeeze2"] == "sees the last 14 rows, 1 new"


def test_zeros_before_the_window_are_what_a_fresh_run_begins_with() -> None:
    window, net = causal(), streamed(causal(), hop=4)
    windows, _, _ = signal(window, net)
    np.testing.assert_allclose(infer(net, windows)[0], infer(window, windows)[0], atol=1e-5)
    said = net.history[-1]["layers"]
    assert "real rows instead of 4 + 0 rows of zeros" in said["pad0"]
    assert not any("late" in text for text in said.values())


@pytest.mark.parametrize(
    ("window", "hop", "longer", "says"),
    [
        (padded(20, 2, 0), 1, padded(28, 0, 2), "sees the last 20 rows, 1 new, late by 4"),
        (pooled(100, 2), 4, pooled(128, 0), "sees the last 25 rows, 1 new, late by 14"),
        (strided(64, 2), 8, strided(85, 0), "sees the last 8 rows, 1 new, late by 7"),
    ],
    ids=["shortcut", "pools", "strides"],
)
def test_zeros_around_the_window_become_the_past_and_the_answer_is_late(
    window: Model, hop: int, longer: Model, says: str
) -> None:
    """What it says is what the net without padding says of a window that reaches further back."""
    net = streamed(window, hop=hop)
    assert says in net.history[-1]["layers"].values()
    as_onnxruntime(longer, net, exact=False)


def test_strides_of_a_padded_net_begin_where_the_fewest_rows_wait() -> None:
    """A pool behind a padded convolution finds its two rows in one run."""
    net = Net()
    x = net.conv("x", (4, 2, 3), kernel_shape=[3], pads=[1, 1])
    x = net.node("Flatten", net.node("MaxPool", x, kernel_shape=[2], strides=[2]))
    made = streamed(net.model((1, 2, 16), net.dense(x, 32, 3, relu=False)))
    assert [state.shape for state in made.states] == [(1, 2, 4), (1, 4, 8)]
    said = made.history[-1]["layers"]
    assert said["flatten3"] == "sees the last 8 rows, 1 new, late by 1"


def test_evaluation_takes_a_window_in_hops() -> None:
    window = quantized(VALID["samples_first"]())
    net = streamed(window)
    x = np.random.default_rng(0).normal(0, 1, (40, 33, 3)).astype(np.float32)
    y = infer(window, x)[0].argmax(axis=1)
    data = Dataset("made", x, y, tuple("abcd"), np.array(["test"] * 40))
    assert evaluate(net, data).correct == 40
    other = Dataset("other", x[:, :, :2], y, tuple("abcd"), np.array(["test"] * 40))
    with pytest.raises(DataError, match="shape"):
        evaluate(net, other)


def test_a_saved_model_opens_and_answers_alike(tmp_path: Path) -> None:
    window = quantized(VALID["spectrogram"]())
    net = streamed(window)
    path = tmp_path / "net.onnx"
    path.write_bytes(net.to_bytes())
    opened = finish(open_model(path))
    assert opened.states == net.states
    as_onnxruntime(window, opened, exact=True)


def test_the_net_of_an_activity_sensor_is_streamed_exactly(studio_data: Path) -> None:
    window = finish(open_model(studio_data / "sensors" / "st-har-lsm6dsl" / "model.tflite"))
    net = streamed(window, hop=4)
    as_onnxruntime(window, net, exact=False)
    as_generated_code(window, net, "small")
    assert net.macs < 0.6 * window.macs


def attention() -> Model:
    net = Net()
    x = net.node("MatMul", "x", net.node("Transpose", "x", perm=[0, 2, 1]))
    return net.model((1, 8, 8), x)


def two_inputs() -> Model:
    model = random_net(0)
    ir = model.clone_ir()
    ir.graph.inputs.append(onnx_ir.val("more", onnx_ir.DataType.FLOAT, onnx_ir.Shape([1, 2])))
    return Model.from_ir(ir)


def long_kernel() -> Model:
    net = Net()
    x = net.conv("x", (4, 2, 15), kernel_shape=[15])
    return net.model((1, 2, 20), net.dense(net.node("Flatten", x), 24, 3, relu=False))


def long_stride() -> Model:
    net = Net()
    x = net.conv("x", (4, 2, 12), kernel_shape=[12], strides=[10], pads=[6, 6])
    return net.model((1, 2, 10), net.dense(net.node("Flatten", x), 8, 3, relu=False))


@pytest.mark.parametrize(
    ("model", "values", "says", "hint"),
    [
        (autoencoder, {}, "nothing slides over time before Gemm", "first layers"),
        (attention, {}, "nothing slides over time before MatMul", "first layers"),
        (two_inputs, {}, "several inputs", "only input"),
        (VALID["spectrogram"], {"hop": 40}, "whole window of 40", "fewer"),
        (VALID["spectrogram"], {"hop": 3}, "no multiple", "a multiple of 2"),
        (VALID["spectrogram"], {"hop": 38}, "nothing is used again after a hop of 38", "such as 2"),
        (long_kernel, {"hop": 10}, "nothing is used again after a hop of 10", "such as 1"),
        (long_stride, {}, "window of 10 is no longer than a stride over time, 10", "lessen"),
        (VALID["spectrogram"], {"axis": 1}, "no axis 1", "first layers"),
        (lambda: streamed(VALID["spectrogram"]()), {}, "state", "Begin each run afresh"),
    ],
)
def test_it_refuses_with_a_reason(model, values, says, hint) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RecipeError, match=says) as refused:
        STEP.plan(STEP.make(**values), model())
    assert hint in refused.value.hint
