"""Processor time and memory of quantising nets of many layers.

`python tests/bench/deep.py dense500 safe_int8 256` prints one line: the net (`digits`, `kws`,
`mobilenet`, or `dense` and `conv` with a number of layers), the step, the calibration samples. All
but the digits are calibrated on noise. `OPENBLAS_NUM_THREADS=1` counts no waiting threads.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from bench.bars import BENCH
from nets import Net, ds_cnn, mobilenet

from studio.compression import mixed_precision, quantize_int4, quantize_int8
from studio.data.dataset import Dataset, load
from studio.job import finish
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

STEPS: dict[str, tuple[Any, Any]] = {
    "safe_int8": (quantize_int8, quantize_int8.QuantizeInt8),
    "tiny_int4": (quantize_int4, quantize_int4.QuantizeInt4),
    "mixed": (mixed_precision, mixed_precision.MixedPrecision),
}


def dense(layers: int, width: int = 16) -> Model:
    """MatMul and Relu, again and again."""
    net, x = Net(), "x"
    for _ in range(layers):
        weights = net.rng.normal(0, (2 / width) ** 0.5, (width, width))
        x = net.node("Relu", net.node("MatMul", x, net.const(weights)))
    return net.model((1, width), x, name="deep")


def conv(layers: int) -> Model:
    """Convolutions of 4 channels on 8 x 8."""
    net, x = Net(), "x"
    for _ in range(layers):
        x = net.conv(x, (4, 4, 3, 3), pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    return net.model((1, 4, 8, 8), x, name="deepconv")


def net_and_data(name: str, samples: int) -> tuple[Model, Dataset]:
    """A net by its name, and what it is calibrated on."""
    if name == "digits":
        file = BENCH / "digits_dscnn.onnx"
        return Model.from_bytes(load_onnx(file), name), load(BENCH / "digits.npz")
    made = {"kws": ds_cnn, "mobilenet": mobilenet}
    kind = name.rstrip("0123456789")
    deep = {"dense": dense, "conv": conv}
    model = made[name]() if name in made else deep[kind](int(name.removeprefix(kind)))
    shape = (max(256, samples), *model.inputs[0].shape[1:])
    x = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    return model, Dataset("noise", x, None, (), np.full(len(x), "train"))


def main(name: str, step: str, samples: int) -> None:
    """Quantise one net once."""
    model, data = net_and_data(name, samples)
    module, params = STEPS[step]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    result = finish(module.run(params(samples=samples), model, data))
    seconds = time.process_time() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"{name} {step} {result.digest[:12]} {seconds:.2f} s, memory +{grown} MiB")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
