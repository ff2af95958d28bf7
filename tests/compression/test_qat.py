"""Training on the quantised graph: accuracy stays, and the result is plain QDQ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from compression import small
from nets import Net, ds_cnn, quantized

from studio.compression.checkpoint import Checkpoints
from studio.compression.qat import Qat, preview, run
from studio.errors import RecipeError
from studio.job import Progress, finish
from studio.model.evaluate import evaluate, infer
from studio.model.execute import Network
from studio.model.model import Model

SHORT = Qat(epochs=2, samples=64)


def stored(model: Model) -> list[np.ndarray]:
    """The integers of the layers' weights."""
    layers = [node for node in model.ir.graph if node.op_type in ("Conv", "Gemm")]
    return [node.inputs[1].producer().inputs[0].const_value.numpy() for node in layers]


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_the_net_is_right_in_integers(weights: str) -> None:
    model = small.trained()
    before = small.fingerprint(model)
    p = Qat(weights=weights, epochs=3, samples=64)
    seen: list[Progress] = []
    result = finish(run(p, model, small.data()), seen.append)
    assert small.fingerprint(model) == before
    lost = evaluate(model, small.data()).accuracy - evaluate(result, small.data()).accuracy
    assert lost <= 0.02
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    limit = 7 if weights == "int4" else 127
    arrays = stored(result)
    assert {str(a.dtype) for a in arrays} == {weights}
    assert all(np.abs(a.astype(int)).max() <= limit for a in arrays)
    operators = [[n.op_type for n in m.ir.graph] for m in (preview(p, model), result)]
    assert operators[0] == operators[1]
    layers = result.history[-1]["layers"].values()
    assert len(layers) == 6 and all(said.startswith(f"{weights} weights") for said in layers)
    done = [progress.done for progress in seen]
    assert done == sorted(done) and done[-1] == 1


def test_what_was_trained_is_what_comes_out() -> None:
    """The interpreter and onnxruntime agree on the result but for some roundings."""
    import torch

    result = finish(run(SHORT, small.trained(), small.data()))
    x = small.data().test.x[:40]
    with torch.no_grad():
        ours = Network(result)(torch.from_numpy(x))[0].numpy()
    judged = infer(result, x)[0]
    assert (ours.argmax(1) == judged.argmax(1)).mean() > 0.97
    assert np.abs(ours - judged).mean() < 0.02 * np.abs(judged).max()


def test_a_resumed_run_ends_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    whole = finish(run(SHORT, small.trained(), small.data()))
    job = run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path))
    for progress in job:
        if "epoch 2" in progress.text:
            break
    job.close()
    resumed = finish(run(SHORT, small.trained(), small.data(), Checkpoints(tmp_path)))
    assert resumed.to_bytes() == whole.to_bytes()


def test_the_scale_of_a_softmax_stays_what_kernels_rely_on() -> None:
    net = Net()
    x = net.conv("x", (8, 1, 3, 3), strides=[2, 2], kernel_shape=[3, 3])
    x = net.dense(net.node("Flatten", x), 72, 4, relu=False)
    model = net.model((1, 1, 8, 8), net.node("Softmax", x))
    result = finish(run(Qat(epochs=1, rate=1e-2), model, small.data()))
    last = result.ir.graph.outputs[0].producer()
    assert float(last.inputs[1].const_value.numpy()) == 1 / 256


def test_what_cannot_be_trained_is_refused_with_a_reason() -> None:
    with pytest.raises(RecipeError, match="quantised already"):
        preview(SHORT, quantized(ds_cnn()))
    with pytest.raises(RecipeError, match="needs samples"):
        finish(run(SHORT, small.trained(), None))
