"""Make the digits example's model again: `python resources/examples/digits/train.py [OUT.onnx]`.

A depthwise-separable CNN on 8 x 8 images, batch normalisation left in the graph.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from studio.data.dataset import load
from studio.job import Progress, finish
from studio.model.evaluate import evaluate
from studio.model.model import Model
from studio.model.training import Schedule, to_onnx, train

SEED = 7
CHANNELS = (16, 32, 32, 48)
STRIDES = (1, 2, 1)


def network() -> nn.Sequential:
    """A 3 x 3 stem, three depthwise-separable blocks, global pooling, one dense layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = nn.Conv2d(1, CHANNELS[0], 3, padding=1, bias=False)
    layers["stem_norm"] = nn.BatchNorm2d(CHANNELS[0])
    layers["stem_relu"] = nn.ReLU()
    pairs = zip(CHANNELS, CHANNELS[1:], STRIDES, strict=False)
    for index, (inputs, outputs, stride) in enumerate(pairs, 1):
        depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        layers[f"depthwise{index}"] = depthwise
        layers[f"depthwise{index}_norm"] = nn.BatchNorm2d(inputs)
        layers[f"depthwise{index}_relu"] = nn.ReLU()
        layers[f"pointwise{index}"] = nn.Conv2d(inputs, outputs, 1, bias=False)
        layers[f"pointwise{index}_norm"] = nn.BatchNorm2d(outputs)
        layers[f"pointwise{index}_relu"] = nn.ReLU()
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dense"] = nn.Linear(CHANNELS[-1], 10)
    return nn.Sequential(layers)


def main(out: Path) -> None:
    """Train, write the model and say how good it is on the held-out images."""
    data = load("example:digits")
    torch.manual_seed(SEED)
    net = network()
    schedule = Schedule(epochs=120, batch=64, rate=4e-3, noise=0.25)
    finish(train(net, data, schedule, SEED), report)
    out.write_bytes(to_onnx(net, data.shape, "digits"))
    result = evaluate(Model.from_bytes(out.read_bytes(), out.stem), data)
    sys.stdout.write(f"\n{out}: {result.correct} of {result.n} right, {result.accuracy:.2%}\n")


def report(progress: Progress) -> None:
    """One line that is written over."""
    loss = progress.figures["loss"]
    sys.stdout.write(f"\r{progress.text} {(progress.done or 0):4.0%}, loss {loss:.4f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits.onnx"))
