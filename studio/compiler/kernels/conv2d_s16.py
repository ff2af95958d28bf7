"""tms_conv2d_s16: convolution of int16 with int8 weights, grouped or not."""

from __future__ import annotations

import numpy as np

from studio.compiler.fixed_point import quantize_multipliers, rescale_wide
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import patches, window

FIELDS = (
    ("act_min", "i16"), ("act_max", "i16"),
    ("weights", "ptr"), ("bias", "ptr"), ("multiplier", "ptr"), ("shift", "ptr"),
)  # fmt: skip


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 [in_h, in_w, in_c] to out int16 [out_h, out_w, out_c].

    Formula: ConvPerChannel of int16 in TFLite's reference/integer_ops/conv.h.
    """
    convolve(p, patches(p, x.astype(np.float64), 0), out)


def convolve(p: Params, seen: Array, out: Array) -> None:
    """Weigh, add and requantise what each tap sees: float64 [out_h, out_w, kh, kw, in_c]."""
    groups = p["groups"]
    seen = seen.reshape(p["out_h"] * p["out_w"], -1, groups, p["in_c"] // groups)
    weights = p["weights"].reshape(groups, p["out_c"] // groups, seen.shape[1], -1)
    # Floating point is exact here, since no sum comes near 2^53.
    sums = np.einsum("ptgc,gotc->pgo", seen, weights.astype(np.float64))
    requantize(p, sums.reshape(len(seen), -1), out)


def requantize(p: Params, sums: Array, out: Array) -> None:
    """Sums of products [..., out_c] to int16: bias, rescaling per channel, clamp."""
    y = rescale_wide(sums.astype(np.int64) + p["bias"], p["multiplier"], p["shift"])
    out[...] = np.clip(y, p["act_min"], p["act_max"]).reshape(out.shape)


def draw_channels(rng: np.random.Generator, n: int, products: int) -> dict[str, Array]:
    """Random bias, multiplier and shift [n] that spread sums of `products` products over int16."""
    spread = 1 / (1.4e6 * np.sqrt(products))
    multiplier, shift = quantize_multipliers(16000 * spread * rng.uniform(0.3, 2, n))
    bias = rng.normal(0, 0.3 / spread, n).astype(np.int64)
    return {"bias": bias, "multiplier": multiplier, "shift": shift}


def draw_example(
    rng: np.random.Generator, geometry: dict[str, int], shape: tuple[int, ...]
) -> Example:
    """An Example with random numbers for a window and the shape of its weights."""
    g = geometry
    products = g["kernel_h"] * g["kernel_w"] * g["in_c"] // g["groups"]
    narrow = bool(rng.integers(0, 2))
    params = {
        **g,
        "act_min": -2000 if narrow else -32768,
        "act_max": 3000 if narrow else 32767,
        "weights": rng.integers(-127, 128, shape, dtype=np.int8),
        **draw_channels(rng, g["out_c"], products),
    }
    x = rng.integers(-32768, 32768, (g["in_h"], g["in_w"], g["in_c"])).astype(np.int16)
    return Example(params, (x,), (g["out_h"], g["out_w"], g["out_c"]), "int16")


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Padding on each side, strides, dilation, groups, one dimension."""
    geometries = (
        window((5, 6, 3), 4, (3, 3), pads=(1, 1, 1, 1)),
        window((9, 8, 2), 2, (3, 3), dilation=(2, 3), pads=(2, 3, 2, 3)),
        window((4, 4, 6), 9, (2, 3), groups=3, pads=(1, 0, 0, 2), stride=(1, 2)),
        window((3, 5, 17), 5, (1, 1)),
        window((1, 20, 3), 4, (1, 5), stride=(1, 2), pads=(0, 2, 0, 2)),
    )
    return tuple(
        draw_example(rng, g, (g["out_c"], g["kernel_h"], g["kernel_w"], g["in_c"] // g["groups"]))
        for g in geometries
    )


KERNELS = (
    Kernel("tms_conv2d_s16", "tms_conv2d_s16_params", FIELDS, reference, examples, window=True),
)
