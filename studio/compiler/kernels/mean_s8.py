"""tms_mean_s8: the mean over all places, with the output's own scale."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from studio.compiler.fixed_point import (
    Rescale,
    quantize_multiplier,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params

FIELDS = (
    ("rows", "i32"),
    ("channels", "i32"),
    ("in_offset", "i16"),
    ("out_offset", "i16"),
    ("act_min", "i16"),
    ("act_max", "i16"),
    ("multiplier", "i32"),
    ("shift", "i8"),
)


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [rows, channels] to out int8 [channels], of any shapes of those sizes.

    Formula: Mean in TFLite's reference/integer_ops/mean.h, 1 / rows inside the multiplier.
    """
    values = x.reshape(p["rows"], p["channels"]).astype(np.int32) + np.int32(p["in_offset"])
    y = rescale(values.sum(axis=0), p["multiplier"], p["shift"]) + np.int32(p["out_offset"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One row and many, factors under and over one, a narrow clamp."""
    return (
        _example(rng, 25, 8, 1.0),
        _example(rng, 1, 5, 1.7),
        _example(rng, 49, 3, 6.0),
        _example(rng, 6, 4, 1.3, act_min=-20, act_max=30),
    )


def _example(
    rng: np.random.Generator, rows: int, channels: int, factor: float, **others: Any
) -> Example:
    multiplier, shift = quantize_multiplier(factor / rows)
    params = {
        "rows": rows,
        "channels": channels,
        "in_offset": int(rng.integers(-9, 10)),
        "out_offset": int(rng.integers(-40, 41)),
        "act_min": -128,
        "act_max": 127,
        "multiplier": multiplier,
        "shift": shift,
        **others,
    }
    x = rng.integers(-128, 128, (rows, channels), dtype=np.int8)
    return Example(params, (x,), (channels,), "int8")


KERNELS = tuple(
    Kernel(name, "tms_mean_s8_params", FIELDS, partial(reference, rescale), examples)
    for name, rescale in (("tms_mean_s8", rescale_single), ("tms_mean_s8_dr", rescale_double))
)
