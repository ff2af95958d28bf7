"""Filters over the memory of streaming layers: tms_fir_s8, tms_fir_s16_s8 and tms_fir_f32."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Rescale,
    quantize_multiplier,
    rescale_double,
    rescale_single,
)
from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 or int16 [units, taps] to out int8 [units], of any shapes of those sizes.

    Formula: the time product of EvalIntegerSVDF in TFLite's internal/reference/svdf.h, and with a
    zero point as in TFLite Micro's svdf_common.cc; sums have 32 bits.
    """
    shape = (p["units"], p["taps"])
    seen = x.reshape(shape).astype(np.int64) + p.get("in_offset", 0)
    sums = (seen * p["weights"].reshape(shape)).sum(axis=1) + p["bias"]
    y = rescale(sums.astype(np.int32), p["multiplier"], p["shift"]) + p["out_offset"]
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


@np.errstate(all="ignore")
def float_reference(p: Params, x: Array, out: Array) -> None:
    """Start from the bias, add tap by tap, clip."""
    shape = (p["units"], p["taps"])
    products = x.reshape(shape) * p["weights"].reshape(shape)
    acc = p["bias"]
    for tap in range(p["taps"]):
        acc = acc + products[:, tap]
    out[...] = clip(acc, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """Many and few taps, one unit, a narrow clamp, sums beyond 32 bits."""
    made = []
    limit = np.iinfo(dtype).max
    for units, taps, low, largest in ((64, 8, -128, 0.1), (5, 33, -20, 0.1), (1, 1, -128, 1)):
        most = int(largest * limit)
        shape = (units, taps)
        multiplier, shift = quantize_multiplier(300 / (limit * most * np.sqrt(taps)))
        offsets = {"in_offset": int(rng.integers(-127, 129))} if dtype == "int8" else {}
        params = {
            "units": units,
            "taps": taps,
            "multiplier": multiplier,
            **offsets,
            "out_offset": int(rng.integers(-128, 128)),
            "act_min": low,
            "act_max": 127,
            "shift": shift,
            "weights": rng.integers(-most, most + 1, shape).astype(dtype),
            "bias": rng.integers(-limit, limit + 1, units).astype(np.int32),
        }
        x = rng.integers(-limit - 1, limit + 1, shape).astype(dtype)
        made.append(Example(params, (x,), (units,), "int8"))
    if dtype == "int16":
        wrapped = np.full((64, 8), 32767, np.int16)
        params = {**made[0].params, "weights": wrapped, "bias": np.zeros(64, np.int32)}
        made.append(Example(params, (wrapped,), (64,), "int8"))
    return tuple(made)


def float_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """As they are, clipped, special values."""
    made = []
    for units, taps, low in ((7, 5, -np.inf), (3, 32, 0.0)):
        shape = (units, taps)
        params = {
            "units": units,
            "taps": taps,
            "act_min": low,
            "act_max": np.inf,
            "weights": rng.standard_normal(shape, dtype=np.float32),
            "bias": rng.standard_normal(units, dtype=np.float32),
        }
        x = rng.standard_normal(shape, dtype=np.float32)
        made.append(Example(params, (x,), (units,), "float32"))
    made[0].inputs[0].reshape(-1)[:5] = np.nan, np.inf, -0.0, 1e-42, 3e38
    return tuple(made)


NARROW = (
    ("units", "i32"), ("taps", "i32"), ("multiplier", "i32"), ("in_offset", "i16"),
    ("out_offset", "i16"), ("act_min", "i16"), ("act_max", "i16"), ("shift", "i8"),
    ("weights", "ptr"), ("bias", "ptr"),
)  # fmt: skip
WIDE = tuple(field for field in NARROW if field[0] != "in_offset")
FLOAT = (
    ("units", "i32"), ("taps", "i32"), ("act_min", "f32"), ("act_max", "f32"),
    ("weights", "ptr"), ("bias", "ptr"),
)  # fmt: skip
KERNELS = (
    *(
        Kernel(
            f"{name}{suffix}",
            f"{name}_params",
            fields,
            partial(reference, rescale),
            partial(examples, dtype),
        )
        for name, fields, dtype in (
            ("tms_fir_s8", NARROW, "int8"),
            ("tms_fir_s16_s8", WIDE, "int16"),
        )
        for suffix, rescale in (("", rescale_single), ("_dr", rescale_double))
    ),
    Kernel("tms_fir_f32", "tms_fir_f32_params", FLOAT, float_reference, float_examples),
)
