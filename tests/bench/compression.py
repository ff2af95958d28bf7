"""The bars of the compression steps that train, full length (`make bench-compression`).

    python tests/bench/compression.py [PART OF A STEP'S NAME]

Nets and splits of the shared data's `bench` folder: D, a depthwise-separable CNN on digits (597
test images, one is 0.17 points), and I, a Conv1D net on windows of motion (600 test windows).
Neither has a validation part, and default learning rates were chosen on these very test samples:
read differences under a point as noise.

Prints a Markdown table of ours beside the bar, the figure that was measured when the steps were
designed, and what papers publish; exits 1 where a bar is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import mean
from typing import Any

import numpy as np
from conftest import DATA

from studio.compression.canonicalise import Canonicalise
from studio.compression.canonicalise import preview as canonical
from studio.compression.cluster_weights import ClusterWeights
from studio.compression.distil import Distil
from studio.compression.fold_batch_norm import FoldBatchNorm
from studio.compression.fold_batch_norm import preview as folded
from studio.compression.insert_batch_norm import InsertBatchNorm
from studio.compression.low_rank import LowRank
from studio.compression.low_rank import preview as split
from studio.compression.prune_channels import PruneChannels
from studio.compression.prune_weights import PruneWeights
from studio.compression.qat import Qat
from studio.compression.step import steps
from studio.data.dataset import Dataset, load
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate, infer
from studio.model.importers import open_model
from studio.model.model import Model

BENCH = DATA / "bench"
DEEP_COMPRESSION = "AlexNet 35x, VGG-16 49x without loss (1510.00149)"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, ours, whether it meets the bar, and what stands beside it."""

    what: str
    ours: str
    met: bool
    bar: str
    measured: str = ""
    published: str = ""
    seeds: str = "0"


@cache
def net(name: str) -> tuple[Model, Dataset]:
    """D or I, and its data."""
    model, data = {"D": ("digits_dscnn", "digits"), "I": ("imu_conv1d", "imu")}[name]
    return finish(open_model(BENCH / f"{model}.onnx")), load(BENCH / f"{data}.npz")


def result(params: Any, name: str) -> Model:
    """The net after a step."""
    step = steps()[type(params).__module__.rpartition(".")[2]]
    return finish(step.run(params, *net(name)))


def percent(model: Model, name: str) -> float:
    """Test accuracy."""
    return 100 * evaluate(model, net(name)[1]).accuracy


def reach(what: str, params: Any, name: str, bar: float, measured: str, published: str = "") -> Row:
    """A row for one step whose accuracy has to reach the bar."""
    made = result(params, name)
    ours = percent(made, name)
    size = made.parameters / net(name)[0].parameters - 1
    shown = f"{ours:.2f} %" + (f", parameters {size:+.1%}" if size else "")
    asked = f">= {bar} %" if bar else "none"
    return Row(f"{name}: {what}", shown, ours >= bar, asked, measured, published)


def function_steps() -> Iterator[Row]:
    """Steps that must not change the function."""
    for name in ("D", "I"):
        model, data = net(name)
        x = data.test.x
        before = infer(model, x)[0]
        away = float(np.abs(infer(canonical(Canonicalise(), model), x)[0] - before).max())
        yield Row(f"{name}: canonicalise", f"{away:.1e} away", away < 1e-5, "< 1e-5")
        normed = result(InsertBatchNorm(), name)
        again = folded(FoldBatchNorm(), normed)
        away = max(float(np.abs(infer(m, x)[0] - before).max()) for m in (normed, again))
        yield Row(f"{name}: batch norm in and out", f"{away:.1e} away", away < 1e-4, "< 1e-4")
    nodes = len(canonical(Canonicalise(), finish(open_model(BENCH / "imu_gru.onnx"))).ir.graph)
    yield Row("GRU: canonicalise", f"{nodes} nodes", nodes == 7, "7 nodes")


def prune_channels() -> Iterator[Row]:
    published = "ResNet-56 93.53 -> 93.77 at 2.13x (2301.12900)"
    yield reach("channels -25 %", PruneChannels(), "D", 98.5, "99.3 %", published)
    yield reach("channels -62.5 %", PruneChannels(ratio=0.625), "I", 88, "89.0 %")
    deep = PruneChannels(ratio=0.625, iterations=1)
    plain = PruneChannels(ratio=0.625, iterations=1, batch_norm=False)
    with_norms, without = (percent(result(p, "D"), "D") for p in (deep, plain))
    gained = with_norms - without
    text = f"{without:.2f} -> {with_norms:.2f} % (+{gained:.1f})"
    what = "D: channels -62.5 % at once, batch norm re-inserted"
    yield Row(what, text, gained >= 10, ">= +10 points", "59.8 -> 74.2 %")
    for norms, kind in ((True, "with"), (False, "without")):  # here they do not help
        slow = PruneChannels(ratio=0.625, batch_norm=norms)
        what = f"channels -62.5 % in 3 iterations of 12 epochs, {kind} batch norm"
        yield reach(what, slow, "D", 0, "not measured")


def prune_weights() -> Iterator[Row]:
    published = "VGG-16 pruned to 7.5 % of its weights without loss (1510.00149)"
    yield reach("weights -80 %", PruneWeights(), "D", 96.5, "97.2 %", published)
    yield reach("weights -80 %", PruneWeights(), "I", 0, "89.2 %")
    blocks = PruneWeights(pattern="1x4 blocks", sparsity=0.5)
    yield reach("weights -50 % in 1x4 blocks", blocks, "D", 0, "not measured")


def qat() -> Iterator[Row]:
    published = "3 bits at full-precision accuracy on ImageNet (1902.08153)"
    yield reach("int4 weights, trained", Qat(weights="int4"), "D", 98.7, "98.7 %", published)
    yield reach("int8, trained", Qat(), "D", 0, "not measured")
    yield reach("int4 weights, trained", Qat(weights="int4"), "I", 0, "not measured")


def distil() -> Iterator[Row]:
    for name in ("D", "I"):
        taught, alone = (
            [percent(result(Distil(alpha=alpha, seed=s), name), name) for s in range(3)]
            for alpha in (0.7, 0.0)
        )
        text = f"{mean(taught):.2f} % taught, {mean(alone):.2f} % alone"
        met = mean(taught) >= mean(alone)
        yield Row(
            f"{name}: student of half the channels", text, met, "taught >= alone", seeds="0-2"
        )


def cluster_weights() -> Iterator[Row]:
    for count, bar, measured in ((16, 98.5, "99.3 %"), (8, 98.0, "98.7 %")):
        step = ClusterWeights(clusters=count)
        yield reach(f"{count} values a layer", step, "D", bar, measured, DEEP_COMPRESSION)
    yield reach("16 values a layer", ClusterWeights(), "I", 0, "90.5 %")


def low_rank() -> Iterator[Row]:
    try:
        split(LowRank(), net("D")[0])
        yield Row("D: low rank", "splits", False, "refuses")
    except RecipeError as refusal:
        yield Row("D: low rank", f"refuses: {refusal.what}", True, "refuses", "no gain")
    folder = DATA / "models" / "mlperf-tiny-ad"
    model = finish(open_model(folder / "ad01_fp32.tflite"))
    raw = np.fromfile(folder / "normal_id_01_00000000_hist_librosa.bin", np.float32)
    frames = raw.reshape(-1, 128)
    x = np.stack([frames[i : i + 5].ravel() for i in range(len(frames) - 4)])
    parts = np.where(np.arange(len(x)) // 20 % 2 == 0, "train", "test")
    data = Dataset("normal_id_01_00000000", x, None, (), parts)
    params = LowRank(energy=0.89, epochs=100, rate=3e-4)  # the default energy saves 37 %
    made = finish(steps()["low_rank"].run(params, model, data))
    size = made.parameters / model.parameters - 1

    def error(m: Model) -> float:
        return float(np.square(infer(m, data.test.x)[0] - data.test.x).mean())

    ratio = error(made) / error(model)
    text = f"parameters {size:+.1%}, error x {ratio:.3f} on {len(data.test)} windows held out"
    what = "MLPerf autoencoder: low rank, trained on windows of one recording"
    yield Row(what, text, size <= -0.5 and ratio <= 1.05, "-50 %, error x 1.05", "-50 %")


BARS: tuple[Callable[[], Iterator[Row]], ...] = (
    function_steps, prune_channels, prune_weights, qat, distil, cluster_weights, low_rank,
)  # fmt: skip


def main() -> int:
    """Print the table; 1 if a bar is missed."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in ("D", "I"):
        model, data = net(name)
        print(f"{name}: {model.parameters} parameters, {percent(model, name):.2f} % on "
              f"{len(data.test)} test samples")  # fmt: skip
    print("\n| What | Ours | Bar | Met | Measured before | Published | Seeds | s |")
    print("|---|---|---|---|---|---|---|---|")
    missed = 0
    for bar in BARS:
        if wanted not in bar.__name__:
            continue
        begin = time.monotonic()
        for row in bar():
            taken, begin = time.monotonic() - begin, time.monotonic()
            cells = (row.what, row.ours, row.bar, "yes" if row.met else "NO", row.measured,
                     row.published, row.seeds, f"{taken:.0f}")  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)
            missed += not row.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
