"""From one scale and type of integer to another; see runtime_c/src/tms_requantize.h."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from studio.compiler.fixed_point import (
    Ints,
    quantize_multiplier,
    rescale_double,
    rescale_long,
)
from studio.compiler.kernel import Array, Example, Kernel, Params

PAIRS = (
    ("int8", "int16"), ("int8", "int32"), ("int16", "int8"), ("int16", "int16"),
    ("int16", "int32"), ("int32", "int8"), ("int32", "int16"),
)  # fmt: skip


def reference(rescale: Callable[..., Ints], p: Params, x: Array, out: Array) -> None:
    """Map x of n values to out; rounded once, what lies beyond 32 bits saturates.

    Formula: Requantize in TFLite's reference/requantize.h.
    """
    centred = x.astype(np.int32) + np.int32(p["in_offset"])
    y = rescale(centred, p["multiplier"], p["shift"]) + np.int64(p["out_offset"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(source: str, target: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """The whole range onto the whole range, twice that and beyond 32 bits; zero points, a clamp."""
    ins, outs = np.iinfo(source), np.iinfo(target)
    x = rng.integers(ins.min, ins.max, 300, source, endpoint=True)
    x[:4] = ins.min, ins.max, 0, -1
    made = []
    # 32 bits with rounding would not bear more than half of their range.
    largest = min(outs.max, 1 << 29)
    beyond = (1 << 34) / largest
    for reach, zero, narrow in ((1, 0, 1), (2, 3, 1), (0.3, -5, 4), (beyond, 0, 1)):
        multiplier, shift = quantize_multiplier(reach * largest / ins.max)
        params = {
            "n": 300,
            "in_offset": 0 if source == "int32" else zero,
            "out_offset": 0 if target == "int32" else -zero,
            "act_min": outs.min // narrow,
            "act_max": outs.max // narrow,
            "multiplier": multiplier,
            "shift": shift,
        }
        made.append(Example(params, (x,), (300,), target))
    return tuple(made)


FIELDS = (
    ("n", "i32"), ("in_offset", "i32"), ("out_offset", "i32"), ("act_min", "i32"),
    ("act_max", "i32"), ("multiplier", "i32"), ("shift", "i8"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(
        f"tms_requantize_s{source[3:]}_s{target[3:]}{suffix}",
        "tms_requantize_params",
        FIELDS,
        partial(reference, rescale),
        partial(examples, source, target),
        in_place=source == target,
        elementwise=source == target,
    )
    for source, target in PAIRS
    for suffix, rescale in (("", rescale_long), ("_dr", rescale_double))
)
