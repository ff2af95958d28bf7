"""The steps that quantise without training, against their bars.

Nets and splits are those of the shared data's `bench` folder: D (digits, 1 200 to train and
597 to test), I (synthetic six-axis windows, 1 800 and 600) and a GRU on the same windows. Every
step calibrates on 256 training samples; nothing is random but the choices of the last row
(seed 0). dB is the ratio of signal to quantisation noise of the logits over all test samples.
"Measured" are the figures of the project's earlier trials on the same nets; published figures of
other nets stand below. Ends with status 1 where a bar is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.compression import mixed_precision
from studio.compression.mixed_precision import MixedPrecision
from studio.compression.step import steps
from studio.data.dataset import Dataset, load
from studio.job import finish
from studio.model.compare import output_sqnr_db
from studio.model.evaluate import evaluate, infer
from studio.model.importers.onnx import load as load_onnx
from studio.model.model import Model

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(os.environ.get("STUDIO_DATA") or ROOT.parent / "shared" / "data") / "bench"

PUBLISHED = """Published, other nets: Arm DS-CNN float to int8: S 93.89 to 93.11, M 94.27 to 93.93,
L 95.03 to 94.52 %; MCUNet float to int8: in2 60.9 to 60.3, in4 68.4 to 68.0, vww0 87.4 to 87.3 %;
AdaRound (arXiv 2004.10568): 4-bit weights within 1 point without fine-tuning."""


@dataclass(frozen=True)
class Net:
    name: str
    model: Model
    data: Dataset

    def after(self, step: str, **params: Any) -> Model:
        """The result of a step."""
        kind = steps()[step]
        return finish(kind.run(kind.make(**params), self.model, self.data))

    def db(self, model: Model) -> float:
        return output_sqnr_db(self.model, model, self.data.test.x)

    def percent(self, model: Model) -> float:
        return 100 * evaluate(model, self.data).accuracy

    def mse(self, model: Model) -> float:
        x = self.data.test.x
        return float(np.square(infer(model, x)[0] - infer(self.model, x)[0]).mean())


def opened(name: str, file: str, data: str) -> Net:
    model = Model.from_bytes(load_onnx(BENCH / file), file.removesuffix(".onnx"))
    return Net(name, model, load(BENCH / data))


class Table:
    """Rows of ours, bar and measured; remembers whether a bar was missed."""

    def __init__(self) -> None:
        self.missed = False
        row = f"{'net':4}{'step':44}{'ours':>10}{'bar':>12}{'measured':>12}"
        print(row + "\n" + "-" * len(row))

    def row(
        self,
        net: Net,
        step: str,
        ours: float,
        unit: str,
        bar: float | None = None,
        measured: str = "",
    ) -> None:
        wanted = "" if bar is None else f">= {bar:.4g}"
        if bar is not None and ours < bar:
            wanted, self.missed = f"{wanted} NO", True
        print(f"{net.name:4}{step:44}{ours:7.2f} {unit:2}{wanted:>12}{measured:>12}", flush=True)


def equalisation(table: Table, d: Net) -> None:
    plain = {"per_channel": False, "bias_correction": False}
    before = d.db(d.after("quantize_int8", **plain))
    equal = Net("D", d.after("equalize"), d.data).after("quantize_int8", **plain)
    table.row(d, "int8 per tensor", before, "dB", measured="31.0")
    table.row(d, "int8 per tensor, equalised", d.db(equal), "dB", measured="35.8")
    table.row(d, "  gain of equalisation", d.db(equal) - before, "dB", 3, "4.8")


def eight_bits(table: Table, d: Net, i: Net) -> None:
    for net, bar, measured in ((d, 36.0, "38.2"), (i, None, "34.0")):
        result = net.after("quantize_int8")
        table.row(net, "int8", net.db(result), "dB", bar, measured)
        images = evaluate(result, net.data).correct - evaluate(net.model, net.data).correct
        table.row(net, "  samples more right than float", images, "", bar and -2)


def four_bits(table: Table, d: Net, i: Net) -> None:
    plain = {"rounding": "nearest", "scales": "range"}
    bare = {"compensate": False, "bias_correction": False}
    for net, bars, measured in (
        (d, (20.0, 98.3, 22.5), ("14.0", "16.8", "22.3", "24.5")),
        (i, (None, None, None), ("17.0", "17.5", "21.7", "23.4")),
    ):
        nearest = net.db(net.after("quantize_int4", **plain, **bare))
        table.row(net, "int4, round to nearest", nearest, "dB", measured=measured[0])
        searched = net.after("quantize_int4", rounding="nearest", **bare)
        table.row(net, "int4, searched scales", net.db(searched), "dB", measured=measured[1])
        classic = net.after("quantize_int4", compensate=False)
        table.row(net, "int4, GPTQ + bias correction", net.db(classic), "dB", measured=measured[2])
        full = net.after("quantize_int4")
        table.row(net, "int4, and earlier layers made good", net.db(full), "dB", bars[0])
        gain = net.db(full) - nearest
        table.row(net, "  gain over round to nearest", gain, "dB", 5 if bars[0] else None)
        table.row(net, "  accuracy", net.percent(full), "%", bars[1])
        learned = net.after("adaround")
        table.row(net, "int4, AdaRound", net.db(learned), "dB", bars[2], measured[3])
        table.row(net, "  accuracy", net.percent(learned), "%")


def sixteen_bits(table: Table, d: Net, i: Net) -> None:
    for net, bar in ((d, 10.0), (i, None)):
        eight, wide = net.db(net.after("quantize_int8")), net.db(net.after("quantize_int16"))
        table.row(net, "int16 activations", wide, "dB")
        table.row(net, "  gain over int8", wide - eight, "dB", bar)


def mixed(table: Table, d: Net) -> None:
    params = MixedPrecision()
    ours = d.mse(d.after("mixed_precision"))
    job = mixed_precision.random_choices(params, d.model, d.data, 10, seed=0)
    rivals = sorted(d.mse(model) for model in finish(job))
    table.row(d, "65 % of the bytes: best of 10 / ours (MSE)", rivals[0] / ours, "", 1)
    table.row(d, "  median of 10 / ours (MSE)", float(np.median(rivals)) / ours, "", 1)
    print(f"    logit MSE: ours {ours:.5f}, random {', '.join(f'{r:.5f}' for r in rivals)}")


def recurrent(table: Table, gru: Net) -> None:
    result = gru.after("quantize_recurrent")
    table.row(gru, "GRU-32, int16 states", gru.db(result), "dB")
    kept = gru.percent(result) - gru.percent(gru.model)
    table.row(gru, "  accuracy gained (points)", kept, "", -1)


def main() -> int:
    print(__doc__)
    table = Table()
    d = opened("D", "digits_dscnn.onnx", "digits.npz")
    i = opened("I", "imu_conv1d.onnx", "imu.npz")
    gru = opened("GRU", "imu_gru.onnx", "imu.npz")
    parts: tuple[Callable[[], None], ...] = (
        lambda: equalisation(table, d),
        lambda: eight_bits(table, d, i),
        lambda: four_bits(table, d, i),
        lambda: sixteen_bits(table, d, i),
        lambda: recurrent(table, gru),
        lambda: mixed(table, d),
    )
    for part in parts:
        part()
    print(f"\n{PUBLISHED}")
    return int(table.missed)


if __name__ == "__main__":
    sys.exit(main())
