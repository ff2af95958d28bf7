"""Graphs that were exported for several samples at once open for one, where that is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from nets import Net

from studio.compiler.check import check
from studio.model.batch import batch_size, for_one_sample
from studio.model.evaluate import infer
from studio.model.importers.onnx import load
from studio.model.model import Model
from studio.model.normalize import normalize


def proto(net: Net, shape: tuple[int, ...], *outputs: str) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(net.model(shape, *outputs).to_bytes())


def heads() -> onnx.ModelProto:
    """Three samples whose axes travel: behind the time, into the heads, and back."""
    net = Net()
    x = net.node("Transpose", "x", perm=[1, 0, 2])
    x = net.node("Reshape", x, net.const([6, 3 * 2, 4], np.int64))
    x = net.node("Transpose", x, perm=[1, 0, 2])
    x = net.node("MatMul", x, net.const(net.rng.normal(size=(4, 4))))
    x = net.node("Transpose", x, perm=[1, 0, 2])
    x = net.node("Reshape", x, net.const([6 * 3, 8], np.int64))
    x = net.dense(x, 8, 5)
    x = net.node("Reshape", x, net.const([6, 3, 5], np.int64))
    return proto(net, (3, 6, 8), net.node("Transpose", x, perm=[1, 0, 2]))


def test_each_sample_alone_gives_what_it_gave_among_the_others() -> None:
    several = heads()
    one = for_one_sample(several)
    assert one is not None
    model = Model.from_bytes(normalize(one, "one"))
    n = batch_size(several)
    x = np.random.default_rng(0).normal(size=(n, *model.inputs[0].shape[1:])).astype(np.float32)
    want = infer_batch(several, x)
    assert np.abs(infer(model, x)[0] - want).max() <= 1e-6


def infer_batch(several: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        several.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def opened(folder: Path, several: onnx.ModelProto) -> Model:
    path = folder / "several.onnx"
    path.write_bytes(several.SerializeToString())
    return Model.from_bytes(load(path))


def test_a_file_with_a_batch_of_two_opens_with_one(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", (4, 2, 3, 3), pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    x = net.dense(net.node("Reshape", x, net.const([2, 4 * 30], np.int64)), 120, 3)
    model = opened(tmp_path, proto(net, (2, 2, 6, 5), x))
    assert (model.inputs[0].shape, model.outputs[0].shape) == ((1, 2, 6, 5), (1, 3))
    assert not [node for node in check(model) if node.verdict == "refused"]


def test_initial_states_shrink_with_the_batch() -> None:
    net = Net()
    x = net.node("Transpose", "x", perm=[1, 0, 2])
    weights = [net.const(net.rng.normal(size=shape)) for shape in ((1, 12, 5), (1, 12, 4), (1, 24))]
    state = net.const(np.repeat(net.rng.normal(size=(1, 1, 4)), 2, axis=1))
    x = net.node("GRU", x, *weights, "", state, hidden_size=4)
    x = net.node("Reshape", x, net.const([7, 2, 4], np.int64))
    several = proto(net, (2, 7, 5), net.node("Transpose", x, perm=[1, 0, 2]))
    one = for_one_sample(several)
    assert one is not None
    model = Model.from_bytes(normalize(one, "one"))
    x = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    assert np.abs(infer(model, x)[0] - infer_batch(several, x)).max() <= 1e-6


def test_samples_that_influence_each_other_stay_together_and_the_check_says_so(
    tmp_path: Path,
) -> None:
    net = Net()
    x = net.conv("x", (4, 2, 3, 3), kernel_shape=[3, 3])
    x = net.node("Softmax", x, axis=0)
    model = opened(tmp_path, proto(net, (2, 2, 9, 8), net.conv(x, (4, 4, 1, 1))))
    assert model.inputs[0].shape == (2, 2, 9, 8)
    assert {node.op_type for node in check(model) if node.verdict == "refused"} >= {"Conv"}
