"""tms_scale2d_s32_s8: int32 sums to int8 with the output's own scale."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Rescale,
    quantize_multiplier,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import window

FIELDS = (
    ("out_offset", "i16"),
    ("act_min", "i16"),
    ("act_max", "i16"),
    ("bias", "i32"),
    ("multiplier", "i32"),
    ("shift", "i8"),
)


def last_row(height: int, channels: int) -> dict[str, int]:
    """The window that sees only the last of `height` rows of sums."""
    fields = window((1, 1, channels), channels, (1, 1))
    return fields | {"in_h": height, "pad_top": 1 - height}


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map sums int32 [in_h, in_w, in_c] to out int8 [out_h, out_w, out_c], row for row.

    Formula: as tms_mean_s8's, the sum being there already.
    """
    rows = np.arange(p["out_h"]) * p["stride_h"] - p["pad_top"]
    sums = x[rows].astype(np.int32) + np.int32(p["bias"])
    y = rescale(sums, p["multiplier"], p["shift"]) + np.int32(p["out_offset"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The last row of several, one row, a narrow clamp."""
    return (_example(rng, 5, 7), _example(rng, 1, 3), _example(rng, 4, 6, act_min=-20, act_max=9))


def _example(rng: np.random.Generator, height: int, channels: int, **others: int) -> Example:
    multiplier, shift = quantize_multiplier(0.03)
    params = {
        **last_row(height, channels),
        "out_offset": int(rng.integers(-40, 41)),
        "act_min": -128,
        "act_max": 127,
        "bias": int(rng.integers(-900, 901)),
        "multiplier": multiplier,
        "shift": shift,
        **others,
    }
    x = rng.integers(-4000, 4000, (height, 1, channels), dtype=np.int32)
    return Example(params, (x,), (1, 1, channels), "int8")


KERNELS = tuple(
    Kernel(
        name,
        "tms_scale2d_s32_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        window=True,
    )
    for name, rescale in (
        ("tms_scale2d_s32_s8", rescale_single),
        ("tms_scale2d_s32_s8_dr", rescale_double),
    )
)
