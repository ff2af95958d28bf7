"""Predicted against counted instructions, layer by layer (`make bench-costs`).

None of these nets had a part in the calibration. A layer counts where it makes up more than
1 % of its net.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nets import MLPERF, Net, conv_1d, noise
from torch_nets import example as example_of
from torch_nets import made

from studio.boards.link import Link
from studio.boards.timing import timing
from studio.boards.virtual import start
from studio.build.firmware import build, project_files, write_project
from studio.build.toolchains import toolchain
from studio.compiler.cost import cost_table, stage_instructions
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compression.prune_weights import PruneWeights
from studio.compression.prune_weights import preview as pruned
from studio.compression.quantize_int4 import QuantizeInt4
from studio.compression.quantize_int4 import preview as int4
from studio.compression.quantize_int8 import QuantizeInt8
from studio.compression.quantize_int8 import preview as quantized
from studio.compression.quantize_int8 import run as int8_run
from studio.compression.quantize_int16 import QuantizeInt16
from studio.compression.quantize_int16 import run as int16
from studio.compression.quantize_recurrent import QuantizeRecurrent
from studio.compression.quantize_recurrent import run as recurrent
from studio.data.dataset import Dataset
from studio.job import Job, finish
from studio.model.importers import open_model
from studio.model.importers.pytorch import from_module
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

BOARDS = {
    "cortex-m0plus": "virtual/mps2-an385", "cortex-m3": "virtual/mps2-an385",
    "cortex-m4f": "virtual/mps2-an386", "cortex-m7": "virtual/mps2-an500",
    "cortex-m33": "virtual/mps2-an505", "cortex-m55": "virtual/mps3-an547",
}  # fmt: skip
DATA = Path(os.environ.get("STUDIO_DATA") or Path(__file__).resolve().parents[3] / "shared/data")
COMPILERS = ("zig", "gcc")
PART = 0.01  # of the net, below which a layer does not count
NET_BAR, LAYER_BAR = 0.05, 0.10


def nets() -> dict[str, Model]:
    """MLPerf Tiny's shapes, the examples, nets of the test data, nets from torch and others."""
    floats = {name: make() for name, make in MLPERF.items()}
    for example in ("digits", "motion"):
        floats[example] = finish(open_example(example))[0]
    found = {name: int8(model) for name, model in floats.items()}
    real = DATA / "models" / "emx-micro-kws" / "micro_kws_m_static_qdq.onnx"
    if real.is_file():
        found["micro_kws"] = finish(open_model(real))
    thin = PruneWeights(sparsity=0.8, batch_norm=False)
    blocks = PruneWeights(sparsity=0.8, batch_norm=False, pattern="1x4 blocks")
    found |= {
        "kws 80 % zeros": int8(pruned(thin, floats["kws"])),
        "ic 80 % zeros in blocks": int8(pruned(blocks, floats["ic"])),
        "kws int4": int4(QuantizeInt4(), floats["kws"]),
        "ad int4": int4(QuantizeInt4(), floats["ad"]),
        "digits int16": calibrated(QuantizeInt16(samples=16), int16, floats["digits"]),
        "kws int16": calibrated(QuantizeInt16(samples=16), int16, floats["kws"]),
        "decoder": calibrated(QuantizeInt8(samples=16), int8_run, decoder()),
    }
    for name in ("gru", "lstm", "encoder"):
        found[f"{name} float"] = finish(from_module(made(name), example_of(name, 1)))
    encoder = found["encoder float"]
    found["encoder"] = calibrated(QuantizeInt8(samples=16), int8_run, encoder)
    gru = calibrated(QuantizeRecurrent(samples=16), recurrent, found["gru float"])
    lstm = calibrated(QuantizeRecurrent(samples=16), recurrent, found["lstm float"])
    found |= {"gru": gru, "lstm": lstm}
    others = {"conv_1d float": conv_1d(), "decoder float": decoder()}
    return {**found, **others, "digits float": floats["digits"]}


def int8(model: Model) -> Model:
    """In int8, uncalibrated: what values a net sees does not steer its integer kernels."""
    return quantized(QuantizeInt8(), model)


def calibrated(settings: Any, run: Callable[..., Job[Model]], model: Model) -> Model:
    """Quantised with noise as data: float kernels and exponentials depend on what they see."""
    x = noise(model, 16)
    data = Dataset("noise", x, None, (), np.array(["train"] * len(x)))
    return finish(run(settings, model, data))


def decoder() -> Model:
    """What grows pictures: a transposed convolution, Resize, a comparison with a broadcast."""
    net = Net()
    x = net.conv("x", (8, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2], kernel_shape=[3, 3])
    weights = net.const(net.rng.normal(0, 0.1, (8, 6, 3, 3)))
    x = net.node("ConvTranspose", x, weights, strides=[2, 2], pads=[1, 1, 1, 1])
    scales = net.const([1, 1, 2, 2])
    x = net.node("Resize", x, "", scales, mode="linear")
    x = net.node("Max", x, net.const(net.rng.normal(0, 0.5, (6, 1, 1))))
    return net.model((1, 3, 16, 16), net.conv(x, (2, 6, 3, 3), False, kernel_shape=[3, 3]))


def counted(program: Program, core: str, compiler: str) -> tuple[float, list[float]]:
    """Instructions of the net and of each stage on the virtual board."""
    board = replace(profile(BOARDS[core]), core=core)
    with tempfile.TemporaryDirectory() as folder:
        write_project(project_files(program, board), Path(folder))
        image = finish(build(Path(folder), toolchain(compiler)))
        with start(board, image) as running, Link(running.port, run_timeout_s=300) as link:
            found = finish(timing(link, board))
    return found.total.value, [layer.value.value for layer in found.layers]


def errors(program: Program, core: str, compiler: str) -> tuple[float, float, str]:
    """Relative error of the net, and the worst of the layers that count, with its name."""
    guesses = stage_instructions(program, cost_table(compiler, core))
    total, stages = counted(program, core, compiler)
    worst, where = 0.0, ""
    for stage, guess, value in zip(program.stages, guesses, stages, strict=True):
        error = guess / value - 1
        if value > PART * total and abs(error) > abs(worst):
            worst, where = error, program.calls[stage[0].call].kernel
    return sum(guesses) / total - 1, worst, where


def main() -> None:
    """Print a table; arguments name cores, compilers or nets."""
    words = sys.argv[1:]
    every = nets()
    models = {name: every[name] for name in words if name in every} or every
    cores = [name for name in BOARDS if name in words] or BOARDS
    compilers = [name for name in COMPILERS if name in words] or COMPILERS
    within, rows = 0, 0
    print("| core | compiler | net | plan | net's error | worst layer | its kernel |")
    print("|---|---|---|---|---:|---:|---|")
    for core in cores:
        for compiler in compilers:
            for name, model in models.items():
                for plan in ("layerwise", "small"):
                    net, worst, where = errors(lower(model, Options(plan=plan)), core, compiler)
                    row = f"| {core} | {compiler} | {name} | {plan} | {net:+.1%} | {worst:+.1%}"
                    print(f"{row} | {where} |", flush=True)
                    rows += 1
                    within += abs(net) <= NET_BAR and abs(worst) <= LAYER_BAR
    print(f"\n{within} of {rows} rows within {NET_BAR:.0%} a net and {LAYER_BAR:.0%} a layer.")


if __name__ == "__main__":
    main()
