"""The bars of the steps that quantise without training: rows for `bench.compression`.

Every step calibrates on 256 training samples; nothing is random but the choices that mixed
precision is compared with (seed 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from bench.bars import Net, Row, net
from judge import onnxruntime_quantized
from random_choices import random_choices

from studio.compression.mixed_precision import MixedPrecision
from studio.model.evaluate import evaluate

ARM = "Arm DS-CNN: S 93.89 -> 93.11, M 94.27 -> 93.93, L 95.03 -> 94.52 %"
ADAROUND = "4 bits within 1 point, not trained (2004.10568)"


def equalise() -> Iterator[Row]:
    d = net("D")
    plain = {"per_channel": False, "bias_correction": False}
    before = d.db(d.after("quantize_int8", **plain))
    equal = Net("D", d.after("equalize"), d.data).after("quantize_int8", **plain)
    yield d.row("int8 per tensor", before, "dB", measured="31.0 dB")
    yield d.row("int8 per tensor, equalised", d.db(equal), "dB", measured="35.8 dB")
    yield d.row("gain of equalisation", d.db(equal) - before, "dB", 3, "4.8 dB")


def quantize_int8() -> Iterator[Row]:
    for of, bar, lost, measured in (
        (net("D"), 36, -2, "38.2 dB"),
        (net("I"), None, None, "34.0 dB"),
    ):
        result = of.after("quantize_int8")
        ours, theirs = of.db(result), of.db(onnxruntime_quantized(of.model, of.data))
        yield of.row("int8", ours, "dB", bar, measured, ARM)
        yield of.row("int8, above onnxruntime's quantiser", ours - theirs, "dB", -1)
        images = evaluate(result, of.data).correct - evaluate(of.model, of.data).correct
        yield of.row("int8, samples more right than float", images, "", lost)


def quantize_int4() -> Iterator[Row]:
    bare = {"compensate": False, "bias_correction": False}
    for of, bars, measured in (
        (net("D"), (20, 5, 98.3, 22.5), ("14.0 dB", "16.8 dB", "22.3 dB", "24.5 dB")),
        (net("I"), (None,) * 4, ("17.0 dB", "17.5 dB", "21.7 dB", "23.4 dB")),
    ):
        nearest = of.db(of.after("quantize_int4", rounding="nearest", scales="range", **bare))
        yield of.row("int4, round to nearest", nearest, "dB", measured=measured[0])
        searched = of.after("quantize_int4", rounding="nearest", **bare)
        yield of.row("int4, searched scales", of.db(searched), "dB", measured=measured[1])
        classic = of.after("quantize_int4", compensate=False)
        yield of.row("int4, GPTQ + bias correction", of.db(classic), "dB", measured=measured[2])
        full = of.after("quantize_int4")
        yield of.row("int4, and earlier layers made good", of.db(full), "dB", bars[0])
        yield of.row("int4, gain over round to nearest", of.db(full) - nearest, "dB", bars[1])
        yield of.row("int4, accuracy", of.percent(full), "%", bars[2])
        learned = of.after("adaround")
        yield of.row("int4, AdaRound", of.db(learned), "dB", bars[3], measured[3], ADAROUND)
        yield of.row("int4, AdaRound, accuracy", of.percent(learned), "%")


def quantize_int16() -> Iterator[Row]:
    for of, bar in ((net("D"), 10), (net("I"), None)):
        eight, wide = of.db(of.after("quantize_int8")), of.db(of.after("quantize_int16"))
        yield of.row("int16 activations", wide, "dB")
        yield of.row("int16 activations, gain over int8", wide - eight, "dB", bar)


def quantize_recurrent() -> Iterator[Row]:
    gru = net("GRU")
    result = gru.after("quantize_recurrent")
    yield gru.row("int8 weights, int16 states", gru.db(result), "dB")
    gained = gru.percent(result) - gru.percent(gru.model)
    yield gru.row("points gained", gained, "", -1)


def mixed() -> Iterator[Row]:
    d = net("D")
    ours = d.mse(d.after("mixed_precision"))
    params = MixedPrecision()
    rivals = sorted(d.mse(model) for model in random_choices(params, d.model, d.data, 10, seed=0))
    text = f"MSE {ours:.5f}; best {rivals[0]:.5f}, median {np.median(rivals):.5f}"
    what = "D: mixed precision, 65 % of the bytes, against 10 random choices"
    yield Row(what, text, ours < rivals[0], "below the best")


BARS: tuple[Callable[[], Iterator[Row]], ...] = (
    equalise, quantize_int8, quantize_int4, quantize_int16, quantize_recurrent, mixed,
)  # fmt: skip
