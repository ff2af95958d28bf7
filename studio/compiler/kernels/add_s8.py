"""tms_add_s8: the sum of two tensors of different scales, with broadcast."""

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
    ("shape", "i32[4]"),
    ("a_stride", "i32[4]"),
    ("b_stride", "i32[4]"),
    ("a_offset", "i16"),
    ("b_offset", "i16"),
    ("out_offset", "i16"),
    ("act_min", "i16"),
    ("act_max", "i16"),
    ("a_shift", "i8"),
    ("b_shift", "i8"),
    ("out_shift", "i8"),
    ("a_multiplier", "i32"),
    ("b_multiplier", "i32"),
    ("out_multiplier", "i32"),
)

HEADROOM_BITS = 20


def reference(rescale: Rescale, p: Params, a: Array, b: Array, out: Array) -> None:
    """Map a and b int8, seen through their strides, to out int8 of `shape`.

    Formula: AddElementwise in TFLite's reference/integer_ops/add.h, left shift 20.
    """
    a_wide = broadcast(p, "a", a) << HEADROOM_BITS
    b_wide = broadcast(p, "b", b) << HEADROOM_BITS
    both = rescale(a_wide, p["a_multiplier"], p["a_shift"]) + rescale(
        b_wide, p["b_multiplier"], p["b_shift"]
    )
    store(p, rescale(both, p["out_multiplier"], p["out_shift"]), out)


def broadcast(p: Params, side: str, x: Array) -> Array:
    """Input `side` of a binary kernel, "a" or "b", without its zero point: int32 of `shape`."""
    strides = tuple(step * x.itemsize for step in p[f"{side}_stride"])
    flat = np.ascontiguousarray(x).reshape(-1)
    seen = np.lib.stride_tricks.as_strided(flat, p["shape"], strides, writeable=False)
    return seen.astype(np.int32) + np.int32(p[f"{side}_offset"])


def store(p: Params, y: Array, out: Array) -> None:
    """The output's zero point and clamp of a binary kernel; y int32 of `shape`."""
    shifted = y + np.int32(p["out_offset"])
    out[...] = np.clip(shifted, p["act_min"], p["act_max"]).reshape(out.shape)


def sum_factors(a_scale: float, b_scale: float, out_scale: float) -> dict[str, int]:
    """Multipliers and shifts of tms_add_s8 for three scales (TFLite's add.cc, PrepareGeneral)."""
    common = 2 * max(a_scale, b_scale)
    real = {
        "a": a_scale / common,
        "b": b_scale / common,
        "out": common / (out_scale * (1 << HEADROOM_BITS)),
    }
    return name_factors(real)


def name_factors(real: dict[str, float]) -> dict[str, int]:
    """Real factors by prefix to the fields `<prefix>_multiplier` and `<prefix>_shift`."""
    fields = {}
    for prefix, factor in real.items():
        fields[f"{prefix}_multiplier"], fields[f"{prefix}_shift"] = quantize_multiplier(factor)
    return fields


def draw_example(
    rng: np.random.Generator,
    a_shape: tuple[int, ...],
    b_shape: tuple[int, ...],
    factors: dict[str, int],
    **others: Any,
) -> Example:
    """An Example with random numbers for two broadcastable shapes of four axes."""
    shape = np.broadcast_shapes(a_shape, b_shape)
    params = {
        "shape": shape,
        "a_stride": _strides(a_shape),
        "b_stride": _strides(b_shape),
        "a_offset": int(rng.integers(-127, 129)),
        "b_offset": int(rng.integers(-127, 129)),
        "out_offset": int(rng.integers(-128, 128)),
        "act_min": -128,
        "act_max": 127,
        **factors,
        **others,
    }
    a = rng.integers(-128, 128, a_shape, dtype=np.int8)
    b = rng.integers(-128, 128, b_shape, dtype=np.int8)
    return Example(params, (a, b), shape, "int8")


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    contiguous = np.cumprod((1, *shape[:0:-1]))[::-1]
    return tuple(0 if n == 1 else int(step) for n, step in zip(shape, contiguous, strict=True))


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Equal shapes, either side broadcast, far scales, a narrow clamp."""
    near, far = sum_factors(0.02, 0.03, 0.04), sum_factors(0.5, 0.0003, 0.4)
    return (
        draw_example(rng, (1, 3, 4, 5), (1, 3, 4, 5), near),
        draw_example(rng, (1, 1, 1, 256), (1, 1, 1, 256), far),
        draw_example(rng, (2, 3, 4, 5), (1, 1, 1, 5), near),
        draw_example(rng, (1, 3, 1, 1), (2, 3, 4, 5), near),
        draw_example(rng, (1, 1, 1, 1), (1, 3, 2, 1), near, act_min=-20, act_max=30),
    )


KERNELS = tuple(
    Kernel(
        name,
        "tms_binary_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        in_place=True,
        elementwise=True,
    )
    for name, rescale in (("tms_add_s8", rescale_single), ("tms_add_s8_dr", rescale_double))
)
