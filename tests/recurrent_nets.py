"""Recurrent layers in every form that the studio quantises."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from nets import Net, noise

from studio.compression.quantize_recurrent import QuantizeRecurrent, run
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.model import Model

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}

FORMS: tuple[dict[str, Any], ...] = (
    {"kind": "GRU", "linear_before_reset": 1},
    {"kind": "GRU", "linear_before_reset": 0},
    {"kind": "GRU", "start": True},
    {"kind": "GRU", "directions": 2, "direction": "bidirectional"},
    {"kind": "LSTM"},
    {"kind": "LSTM", "direction": "reverse"},
    {"kind": "LSTM", "last": True},
    {"kind": "LSTM", "directions": 2, "direction": "bidirectional"},
    {"kind": "RNN", "start": True},
    {"kind": "RNN", "last": True, "directions": 2, "direction": "bidirectional"},
)


def layer(
    kind: str, directions: int = 1, start: bool = False, last: bool = False, **attributes: Any
) -> Model:
    """A recurrent layer of 5 units over 12 steps of 3 numbers, with a dense layer behind it."""
    net, units = Net(), 5
    x = net.node("Transpose", "x", perm=[1, 0, 2])
    rows = GATES[kind] * units
    given = [
        net.const(net.rng.normal(0, 0.6, (directions, rows, 3))),
        net.const(net.rng.normal(0, 0.6, (directions, rows, units))),
        net.const(net.rng.normal(0, 0.3, (directions, 2 * rows))),
    ]
    if start:
        given += ["", net.const(net.rng.normal(0, 1.5, (directions, 1, units)))]
    out = net.node(kind, x, *given, hidden_size=units, **attributes)
    if last:
        made = net.nodes[-1]
        made.output[:] = ["", out]
        return net.model((1, 12, 3), net.node("Flatten", net.node("Relu", out)), name=kind)
    out = net.node("Reshape", out, net.const([1, -1], np.int64))
    return net.model((1, 12, 3), net.dense(out, 12 * directions * units, 4, relu=False), name=kind)


def random_data(model: Model, n: int = 32) -> Dataset:
    return Dataset("random", noise(model, n), None, (), np.full(n, "train"))


def quantized(model: Model) -> Model:
    result = finish(run(QuantizeRecurrent(samples=32), model, random_data(model)))
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    return result
