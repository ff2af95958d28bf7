"""Nets over windows of a signal, most of them without padding along time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from nets import Net

from studio.model.model import Model


@dataclass
class Draw:
    """A random net [1, channels, window], layer by layer."""

    rng: np.random.Generator
    net: Net = field(init=False)
    window: int = field(init=False)
    inputs: int = field(init=False)

    def __post_init__(self) -> None:
        self.net = Net(self.rng)
        self.window, self.inputs = int(self.rng.integers(30, 70)), int(self.rng.integers(1, 5))
        self.x, self.rows, self.channels = "x", self.window, self.inputs

    def model(self) -> Model:
        for _ in range(int(self.rng.integers(2, 5))):
            size, dilation, stride = (int(self.rng.integers(1, n)) for n in (5, 3, 4))
            if self.rows < (size - 1) * dilation + 9:
                break
            layers = (self.pool, self.depthwise, self.conv, self.residual, self.branches)
            layers[int(self.rng.integers(len(layers)))](size, dilation, stride)
        return self.net.model((1, self.inputs, self.window), self.head())

    def slid(self, extent: int, stride: int = 1) -> None:
        self.rows = (self.rows - extent) // stride + 1

    def cropped(self, x: str, start: int, rows: int) -> str:
        bounds = (self.net.const([n], np.int64) for n in (start, start + rows, 2))
        return self.net.node("Slice", x, *bounds)

    def pool(self, size: int, dilation: int, stride: int) -> None:
        op_type = str(self.rng.choice(["MaxPool", "AveragePool"]))
        self.x = self.net.node(op_type, self.x, kernel_shape=[size], strides=[stride])
        self.slid(size, stride)

    def depthwise(self, size: int, dilation: int, stride: int) -> None:
        shape, window = (self.channels, 1, size), {"strides": [stride], "dilations": [dilation]}
        self.x = self.net.conv(self.x, shape, group=self.channels, kernel_shape=[size], **window)
        self.slid((size - 1) * dilation + 1, stride)

    def conv(self, size: int, dilation: int, stride: int) -> None:
        made = int(self.rng.integers(2, 9))
        window = {"kernel_shape": [size], "strides": [stride], "dilations": [dilation]}
        self.x = self.net.conv(self.x, (made, self.channels, size), **window)
        self.channels = made
        self.slid((size - 1) * dilation + 1, stride)

    def residual(self, size: int, dilation: int, stride: int) -> None:
        """A shortcut that is cut anywhere: some of its rows wait for those of the convolution."""
        extent, shape = (size - 1) * dilation + 1, (self.channels, self.channels, size)
        y = self.net.conv(self.x, shape, kernel_shape=[size], dilations=[dilation])
        start, rows = int(self.rng.integers(0, extent)), self.rows - extent + 1
        self.x = self.net.node("Add", self.cropped(self.x, start, rows), y)
        self.slid(extent)

    def branches(self, size: int, dilation: int, stride: int) -> None:
        extent, channels = (size - 1) * dilation + 1, self.channels
        y = self.net.conv(self.x, (3, channels, size), kernel_shape=[size], dilations=[dilation])
        z = self.net.conv(self.x, (2, channels, 1), kernel_shape=[1])
        z = self.cropped(z, extent - 1, self.rows - extent + 1)
        self.x, self.channels = self.net.node("Concat", y, z, axis=1), 5
        self.slid(extent)

    def head(self) -> str:
        kind, width = int(self.rng.integers(3)), self.channels
        if kind == 0:
            x = self.net.node("Flatten", self.net.node("GlobalAveragePool", self.x))
        elif kind == 1:
            x, width = self.net.node("Flatten", self.x), self.channels * self.rows
        else:
            axes = self.net.const([2], np.int64)
            x = self.net.node("ReduceMax", self.x, axes, keepdims=0)
        return self.net.dense(x, width, 4, relu=False)


def random_net(seed: int) -> Model:
    """Convolutions, depthwise ones, pools, shortcuts and branches, and one of three heads."""
    return Draw(np.random.default_rng(seed)).model()


def spectrogram() -> Model:
    """A keyword net without padding over time: [1, 1, 40, 10], two convolutions, one depthwise."""
    net = Net()
    window = {"kernel_shape": [6, 4], "strides": [2, 2], "pads": [0, 1, 0, 1]}
    x = net.conv("x", (8, 1, 6, 4), **window)
    x = net.conv(x, (8, 1, 3, 3), group=8, kernel_shape=[3, 3], pads=[0, 1, 0, 1])
    x = net.conv(x, (12, 8, 1, 1), kernel_shape=[1, 1])
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 1, 40, 10), net.dense(x, 12, 4, relu=False), name="spectrogram")


def flat() -> Model:
    """The rows of a spectrogram one after the other, as TFLite's speech nets take them."""
    net = Net()
    x = net.node("Reshape", "x", net.const([1, 1, 30, 8], np.int64))
    x = net.conv(x, (4, 1, 5, 8), kernel_shape=[5, 8], strides=[2, 8])
    x = net.node("Flatten", net.node("Transpose", x, perm=[0, 2, 3, 1]))
    return net.model((1, 240), net.dense(x, 52, 3, relu=False), name="flat")


def samples_first() -> Model:
    """[1, time, channels], turned for the convolutions, an activation that is no table, a mean."""
    net = Net()
    x = net.node("Transpose", "x", perm=[0, 2, 1])
    x = net.conv(x, (8, 3, 4), kernel_shape=[4], strides=[2])
    x = net.node("Sigmoid", net.conv(x, (6, 8, 3), relu=False, kernel_shape=[3]))
    x = net.node("ReduceMean", x, net.const([2], np.int64), keepdims=0)
    return net.model((1, 33, 3), net.dense(x, 6, 4, relu=False), name="samples_first")


def causal() -> Model:
    """Zeros before the window only: once by a Pad, once where what lies behind is cut off."""
    net = Net()
    x = net.node("Pad", "x", net.const([0, 0, 4, 0, 0, 0], np.int64))
    x = net.conv(x, (6, 2, 3), kernel_shape=[3], dilations=[2])
    y = net.conv(x, (6, 6, 3), relu=False, kernel_shape=[3], pads=[2, 2])
    y = net.node("Slice", y, *(net.const([n], np.int64) for n in (0, 24, 2)))
    x = net.node("Relu", net.node("Add", x, y))
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 2, 24), net.dense(x, 6, 3, relu=False), name="causal")


def padded(rows: int, pads: int, crop: int) -> Model:
    """Two convolutions, a shortcut around the second, and a mean of the last 20 rows."""
    net = Net()
    x = net.conv("x", (4, 2, 5), kernel_shape=[5], pads=[pads, pads])
    y = net.conv(x, (4, 4, 5), kernel_shape=[5], pads=[pads, pads])
    bounds = [net.const([n], np.int64) for n in (crop, crop + 20, 2)]
    x = net.node("Add", net.node("Slice", x, *bounds), y)
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 2, rows), net.dense(x, 4, 3, relu=False), name="padded")


def pooled(rows: int, pads: int) -> Model:
    """The shape of the motion example: three convolutions, pools between, a mean."""
    net, x, channels = Net(), "x", 2
    for index, width in enumerate((4, 6, 5)):
        shape = (width, channels, 5)
        x = net.conv(x, shape, kernel_shape=[5], pads=[pads, pads])
        if index < 2:
            x = net.node("MaxPool", x, kernel_shape=[2], strides=[2])
        channels = width
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 2, rows), net.dense(x, 5, 3, relu=False), name="pooled")


def strided(rows: int, pads: int) -> Model:
    """The shape of a net of gestures: three convolutions of stride 2, a mean."""
    net, x, channels = Net(), "x", 2
    for width in (4, 6, 5):
        shape, window = (width, channels, 5), {"kernel_shape": [5], "strides": [2]}
        x, channels = net.conv(x, shape, pads=[pads, pads], **window), width
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 2, rows), net.dense(x, 5, 3, relu=False), name="strided")


VALID = {made.__name__: made for made in (spectrogram, flat, samples_first)}


def keyword() -> Model:
    """MLPerf Tiny's keyword net in its real size, but without padding over time."""
    net = Net()
    x = net.conv("x", (64, 1, 10, 4), strides=[2, 2], pads=[0, 1, 0, 1], kernel_shape=[10, 4])
    for _ in range(4):
        x = net.conv(x, (64, 1, 3, 3), pads=[0, 1, 0, 1], group=64, kernel_shape=[3, 3])
        x = net.conv(x, (64, 64, 1, 1), kernel_shape=[1, 1])
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    return net.model((1, 1, 49, 10), net.dense(x, 64, 12, relu=False), name="keyword")


def filtered() -> Model:
    """A filter: its result has time too, and is read by a second one."""
    net = Net()
    x = net.conv("x", (3, 2, 4), kernel_shape=[4])
    y = net.node("Flatten", net.node("GlobalAveragePool", net.conv(x, (2, 3, 3), kernel_shape=[3])))
    return net.model((1, 2, 20), x, y, name="filtered")
