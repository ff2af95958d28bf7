"""tms_conv2d_s8: two-dimensional convolution, grouped or not; 1-D has height 1."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from studio.compiler.fixed_point import (
    Rescale,
    quantize_multipliers,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import patches, window

FIELDS = (
    ("in_offset", "i16"),
    ("out_offset", "i16"),
    ("act_min", "i16"),
    ("act_max", "i16"),
    ("weights", "ptr"),
    ("bias", "ptr"),
    ("multiplier", "ptr"),
    ("shift", "ptr"),
)


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_h, in_w, in_c] to out int8 [out_h, out_w, out_c].

    Formula: ConvPerChannel in TFLite's reference/integer_ops/conv.h.
    """
    convolve(rescale, p, patches(p, x.astype(np.float64) + p["in_offset"], 0), out)


def convolve(rescale: Rescale, p: Params, seen: Array, out: Array) -> None:
    """Weigh, add and requantise what each tap sees: float64 [out_h, out_w, kh, kw, in_c]."""
    groups, filters = p["groups"], p["out_c"] // p["groups"]
    seen = seen.reshape(*seen.shape[:4], groups, -1)
    weights = p["weights"].reshape(groups, filters, -1).astype(np.float64)
    # Floating point is exact here, since no sum comes near 2^53, and numpy multiplies it fast.
    sums = [
        seen[..., group, :].reshape(p["out_h"] * p["out_w"], -1) @ weights[group].T
        for group in range(groups)
    ]
    requantize(rescale, p, np.concatenate(sums, axis=1), out)


def requantize(rescale: Rescale, p: Params, sums: Array, out: Array) -> None:
    """Sums of products [..., out_c] to int8: bias, rescaling per channel, offset, clamp."""
    acc = sums.astype(np.int64) + p["bias"]
    y = rescale(acc, p["multiplier"], p["shift"]) + np.int32(p["out_offset"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def draw_channels(rng: np.random.Generator, n: int, products: int) -> dict[str, Array]:
    """Random bias, multiplier and shift [n] that spread sums of `products` products over int8."""
    spread = 1 / (5000 * np.sqrt(products))
    multiplier, shift = quantize_multipliers(64 * spread * rng.uniform(0.3, 2, n))
    bias = rng.normal(0, 0.3 / spread, n).astype(np.int32)
    return {"bias": bias, "multiplier": multiplier, "shift": shift}


def draw_example(rng: np.random.Generator, geometry: dict[str, int], **others: Any) -> Example:
    """An Example with random numbers for a window; `others` replace parameters."""
    g = geometry
    shape = (g["out_c"], g["kernel_h"], g["kernel_w"], g["in_c"] // g["groups"])
    params = {
        **g,
        "in_offset": int(rng.integers(-127, 129)),
        "out_offset": int(rng.integers(-128, 128)),
        "act_min": -128,
        "act_max": 127,
        "weights": rng.integers(-128, 128, shape, dtype=np.int8),
        **draw_channels(rng, g["out_c"], int(np.prod(shape[1:]))),
        **others,
    }
    x = rng.integers(-128, 128, (g["in_h"], g["in_w"], g["in_c"]), dtype=np.int8)
    return Example(params, (x,), (g["out_h"], g["out_w"], g["out_c"]), "int8")


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Joined and separate runs, padding on each side, strides, groups, shifts both ways."""
    geometries = (
        window((5, 6, 3), 4, (3, 3), pads=(1, 1, 1, 1)),
        window((7, 5, 2), 3, (3, 2), stride=(2, 2), pads=(0, 0, 1, 1)),
        window((9, 8, 2), 2, (3, 3), dilation=(2, 3), pads=(2, 3, 2, 3)),
        window((4, 4, 6), 9, (2, 3), groups=3, pads=(1, 0, 0, 2)),
        window((3, 5, 17), 5, (1, 1)),
        window((1, 20, 3), 4, (1, 5), stride=(1, 2), pads=(0, 2, 0, 2)),
        window((3, 3, 1), 2, (5, 5), pads=(2, 2, 2, 2)),
        window((6, 3, 2), 2, (1, 1), stride=(3, 2)),
    )
    left = {
        "bias": np.array([3, -5, 7], np.int32),
        "multiplier": np.array([1 << 30, 1 << 30, (1 << 31) - 1], np.int32),
        "shift": np.array([3, 0, -31], np.int8),
        "weights": np.array([1, -1, 2], np.int8).reshape(3, 1, 1, 1),
    }
    clamped = {"act_min": -20, "act_max": 30}
    return (
        *(draw_example(rng, geometry) for geometry in geometries),
        draw_example(rng, geometries[0], **clamped),
        draw_example(rng, window((2, 9, 1), 3, (1, 1)), **left),
    )


KERNELS = tuple(
    Kernel(
        name,
        "tms_conv2d_s8_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        window=True,
    )
    for name, rescale in (("tms_conv2d_s8", rescale_single), ("tms_conv2d_s8_dr", rescale_double))
)
