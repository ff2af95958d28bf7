"""Steps that go from layer to layer carry what is alive: the same bytes as by running it whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets import Net, mobilenet, resnet8

from studio.compression import mixed_precision, quantize_int4, quantize_int8, quantize_int16
from studio.compression.mixed_precision import MixedPrecision
from studio.compression.quantize_int4 import QuantizeInt4
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int16 import QuantizeInt16
from studio.data.dataset import Dataset, load
from studio.job import finish
from studio.model import walk
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

Result = Callable[[Model, Dataset], Model]


def noise_for(model: Model, n: int) -> Dataset:
    x = np.random.default_rng(1).normal(size=(n, *model.inputs[0].shape[1:])).astype(np.float32)
    return Dataset("noise", x, None, (), np.full(n, "train"))


def same_bytes(monkeypatch: Any, step: Any, params: Any, model: Model, data: Dataset) -> None:
    """With everything carried, with a part, with every look from the input on."""
    results = set()
    for room in (2**28, 200_000, 0):
        monkeypatch.setattr(walk, "CARRIED_BYTES", room)
        results.add(finish(step.run(params, model, data)).to_bytes())
    assert len(results) == 1


@pytest.mark.needs_data
@pytest.mark.parametrize("net, data", [("digits_dscnn", "digits"), ("imu_conv1d", "imu")])
@pytest.mark.parametrize(
    "step, params",
    [
        (quantize_int8, QuantizeInt8(samples=24)),
        (quantize_int4, QuantizeInt4(samples=24)),
        (quantize_int16, QuantizeInt16(samples=24)),
        (mixed_precision, MixedPrecision(samples=4, swaps=1)),
    ],
)
def test_trained_nets(step, params, net, data, studio_data: Path, monkeypatch) -> None:
    bench = studio_data / "bench"
    model = Model.from_bytes(load_onnx(bench / f"{net}.onnx"), net)
    same_bytes(monkeypatch, step, params, model, load(bench / f"{data}.npz"))


@pytest.mark.parametrize("make", [resnet8, mobilenet])
def test_mlperf_nets(make, monkeypatch) -> None:
    model = make()
    same_bytes(monkeypatch, quantize_int8, QuantizeInt8(), model, noise_for(model, 4))


def test_five_hundred_layers_take_seconds() -> None:
    net, x = Net(), "x"
    for _ in range(500):
        x = net.node("MatMul", x, net.const(net.rng.normal(0, 0.5**0.5, (4, 4))))
        x = net.node("Relu", x)
    model = net.model((1, 4), x)
    begin = time.process_time()
    finish(quantize_int8.run(QuantizeInt8(), model, noise_for(model, 32)))
    assert time.process_time() - begin < 10  # quadratic: 40 and more
