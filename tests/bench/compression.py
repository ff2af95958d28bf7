"""The bars of the compression steps, at full length (`make bench-compression`).

    python tests/bench/compression.py [PART OF A STEP'S NAME]

Nets and splits of the shared data's `bench` folder: D, a depthwise-separable CNN on digits (1 200
images to train, 597 to test, one is 0.17 points), I, a Conv1D net, and GRU, both on synthetic
windows of motion (1 800 and 600). None has a validation part, and default learning rates were
chosen on these very test samples: read differences under a point as noise.

Prints a Markdown table of ours beside the bar, the figure that was measured when the steps were
designed, and what papers publish (of other nets); exits 1 where a bar is missed.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import mean

import numpy as np
from bench import quantization
from bench.bars import DATA, Row, net, printed

from studio.compression.canonicalise import Canonicalise
from studio.compression.canonicalise import preview as canonical
from studio.compression.fold_batch_norm import FoldBatchNorm
from studio.compression.fold_batch_norm import preview as folded
from studio.compression.low_rank import LowRank
from studio.compression.low_rank import preview as split
from studio.compression.step import steps
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model
from studio.model.model import Model

DEEP_COMPRESSION = "AlexNet 35x, VGG-16 49x without loss (1510.00149)"


def reach(
    what: str, made: Model, name: str, bar: float | None, measured: str, published: str = ""
) -> Row:
    """A row for a net whose accuracy has to reach the bar, with the change of its size."""
    of = net(name)
    row = of.row(what, of.percent(made), "%", bar, measured, published)
    size = made.parameters / of.model.parameters - 1
    return replace(row, ours=f"{row.ours}, parameters {size:+.1%}") if size else row


def function_steps() -> Iterator[Row]:
    """Steps that must not change the function."""
    for name in ("D", "I"):
        of = net(name)
        model, x = of.model, of.data.test.x
        before = infer(model, x)[0]
        away = float(np.abs(infer(canonical(Canonicalise(), model), x)[0] - before).max())
        yield Row(f"{name}: canonicalise", f"{away:.1e} away", away < 1e-5, "< 1e-5")
        normed = of.after("insert_batch_norm")
        again = folded(FoldBatchNorm(), normed)
        away = max(float(np.abs(infer(m, x)[0] - before).max()) for m in (normed, again))
        yield Row(f"{name}: batch norm in and out", f"{away:.1e} away", away < 1e-4, "< 1e-4")
    nodes = len(canonical(Canonicalise(), net("GRU").model).ir.graph)
    yield Row("GRU: canonicalise", f"{nodes} nodes", nodes == 7, "7 nodes")


def prune_channels() -> Iterator[Row]:
    d, i = net("D"), net("I")
    published = "ResNet-56 93.53 -> 93.77 at 2.13x (2301.12900)"
    made = d.after("prune_channels")
    yield reach("channels -25 %", made, "D", 98.5, "99.3 %", published)
    made = i.after("prune_channels", ratio=0.625)
    yield reach("channels -62.5 %", made, "I", 88, "89.0 %")
    without, with_norms = (
        d.percent(d.after("prune_channels", ratio=0.625, iterations=1, batch_norm=norms))
        for norms in (False, True)
    )
    gained = with_norms - without
    text = f"{without:.2f} -> {with_norms:.2f} % (+{gained:.1f})"
    what = "D: channels -62.5 % at once, batch norm re-inserted"
    yield Row(what, text, gained >= 10, ">= +10 points", "59.8 -> 74.2 %")
    for norms, kind in ((True, "with"), (False, "without")):  # here they do not help
        slow = d.after("prune_channels", ratio=0.625, batch_norm=norms)
        what = f"channels -62.5 % in 3 iterations of 12 epochs, {kind} batch norm"
        yield reach(what, slow, "D", None, "not measured")


def prune_weights() -> Iterator[Row]:
    d, i = net("D"), net("I")
    published = "VGG-16 pruned to 7.5 % of its weights without loss (1510.00149)"
    yield reach("weights -80 %", d.after("prune_weights"), "D", 96.5, "97.2 %", published)
    yield reach("weights -80 %", i.after("prune_weights"), "I", None, "89.2 %")
    blocks = d.after("prune_weights", pattern="1x4 blocks", sparsity=0.5)
    yield reach("weights -50 % in 1x4 blocks", blocks, "D", None, "not measured")


def qat() -> Iterator[Row]:
    d, i = net("D"), net("I")
    published = "3 bits at full-precision accuracy on ImageNet (1902.08153)"
    four = d.after("qat", weights="int4")
    yield reach("int4 weights, trained", four, "D", 98.7, "98.7 %", published)
    yield reach("int8, trained", d.after("qat"), "D", None, "not measured")
    four = i.after("qat", weights="int4")
    yield reach("int4 weights, trained", four, "I", None, "not measured")


def distil() -> Iterator[Row]:
    for of in (net("D"), net("I")):
        taught, alone = (
            [of.percent(of.after("distil", alpha=alpha, seed=s)) for s in range(3)]
            for alpha in (0.7, 0.0)
        )
        text = f"{mean(taught):.2f} % taught, {mean(alone):.2f} % alone"
        met = mean(taught) >= mean(alone)
        what = f"{of.name}: student of half the channels"
        yield Row(what, text, met, "taught >= alone", seeds="0-2")


def cluster_weights() -> Iterator[Row]:
    for count, bar, measured in ((16, 98.5, "99.3 %"), (8, 98.0, "98.7 %")):
        made = net("D").after("cluster_weights", clusters=count)
        yield reach(f"{count} values a layer", made, "D", bar, measured, DEEP_COMPRESSION)
    yield reach("16 values a layer", net("I").after("cluster_weights"), "I", None, "90.5 %")


def low_rank() -> Iterator[Row]:
    try:
        split(LowRank(), net("D").model)
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
    function_steps, *quantization.BARS,
    prune_channels, prune_weights, qat, distil, cluster_weights, low_rank,
)  # fmt: skip


def main() -> int:
    """Print the table; 1 if a bar is missed."""
    logging.disable(logging.WARNING)  # what onnxruntime's quantiser recommends
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    return int(printed(tuple(bar for bar in BARS if wanted in bar.__name__)) > 0)


if __name__ == "__main__":
    sys.exit(main())
