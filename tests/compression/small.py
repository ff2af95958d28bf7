"""A small task that a small net learns in a second, for the tests of steps that train."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from nets import Net

from studio.compression.fine_tune import FineTune, run
from studio.data.dataset import Dataset
from studio.job import finish
from studio.model.model import Model

CLASSES = 4


@cache
def data(n: int = 480) -> Dataset:
    """Bars at four places of an 8 x 8 image, in noise; every fourth for the test."""
    rng = np.random.default_rng(5)
    y = np.arange(n) % CLASSES
    x = rng.normal(0, 0.5, (n, 1, 8, 8))
    for sample, label in zip(x, y, strict=True):
        sample[0, 2 * label : 2 * label + 2, rng.integers(0, 4) :] += 1
    split = np.where(np.arange(n) // CLASSES % 4 == 3, "test", "train")
    names = tuple(f"bar {i}" for i in range(CLASSES))
    return Dataset("bars", x.astype(np.float32), y.astype(np.int64), names, split)


def untrained(seed: int = 0) -> Model:
    """Conv, depthwise, a residual pair, two dense layers: one of each kind of channel group."""
    net = Net(np.random.default_rng(seed))
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    x = net.conv("x", (16, 1, 3, 3), strides=[2, 2], **same)
    y = net.conv(x, (16, 1, 3, 3), group=16, **same)
    y = net.conv(y, (16, 16, 1, 1), relu=False, kernel_shape=[1, 1])
    x = net.node("Relu", net.node("Add", x, y))
    x = net.node("MaxPool", net.conv(x, (24, 16, 3, 3), **same), kernel_shape=[2, 2],
                 strides=[2, 2])  # fmt: skip
    x = net.dense(net.node("Flatten", x), 24 * 4, 32)
    return net.model((1, 1, 8, 8), net.dense(x, 32, CLASSES, relu=False), name="bars")


@cache
def trained() -> Model:
    """The small net after six epochs."""
    return finish(run(FineTune(epochs=6, rate=3e-3, batch=32), untrained(), data()))


def fingerprint(model: Model) -> str:
    """A hash of everything that a model stores."""
    state = hashlib.sha256()
    for name, value in sorted(model.ir.graph.initializers.items()):
        assert value.const_value is not None
        state.update(name.encode() + value.const_value.numpy().tobytes())
    return state.hexdigest()
