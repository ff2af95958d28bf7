"""tms_softmax_s16: softmax of int16 by two tables, output scale 1/32768."""

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
from studio.compiler.kernels.lut_s16 import looked_up, table_of

EXP = table_of(np.exp, -10.0, 0.0, 32768)


def inverse_table(real: type[np.floating[Any]]) -> Array:
    """1 / (1 + x) from 0 to 1, calculated in a floating type."""
    return table_of(lambda x: 1 / (1 + x), 0.0, 1.0, 32768, real)


def softmax_factors(in_scale: float) -> dict[str, int]:
    """The fields multiplier and shift (TFLite's activations.cc, SoftmaxPrepare)."""
    multiplier, shift = quantize_multiplier(in_scale * 65535 / 10)
    return {"multiplier": multiplier, "shift": shift}


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int16 [rows, n] to out int16 [rows, n], of any shapes of those sizes.

    Formula: SoftmaxInt16 in TFLite's reference/softmax.h.
    """
    vectors = x.reshape(p["rows"], p["n"]).astype(np.int32)
    difference = vectors - vectors.max(axis=1, keepdims=True)
    scaled = rescale(difference, p["multiplier"], p["shift"]) + 32767
    power = looked_up(np.clip(scaled, -32768, 32767), p["exp"]).astype(np.int64)
    total = power.sum(axis=1, keepdims=True)
    zeros = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    shifted = ((total << (zeros - 1)) + (1 << 13)) >> 14
    rest = np.clip(shifted - (1 << 15) - (1 << 16), -32768, 32767)
    reciprocal, right = looked_up(rest, p["inverse"]), 31 - zeros
    y = (power * reciprocal + (np.int64(1) << (right - 1))) >> right
    out[...] = np.clip(y, 0, 32767).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Few and many classes, small and large scales, ties, a far winner."""
    winner = np.array([[32767, -32768, -32768, 3]])
    cases = (
        (rng.integers(-32768, 32768, (3, 10)), 1 / 4096),
        (rng.integers(-3000, 3000, (2, 300)), 0.0003),
        (np.full((1, 60), 5), 0.001),
        (winner, 0.05),
        (np.array([[-7]]), 0.004),
    )
    made = []
    for x, scale in cases:
        rows, n = x.shape
        tables = {"exp": EXP, "inverse": inverse_table(np.float64)}
        params = {"rows": rows, "n": n, **softmax_factors(scale), **tables}
        made.append(Example(params, (x.astype(np.int16),), (rows, n), "int16"))
    return tuple(made)


FIELDS = (
    ("rows", "i32"), ("n", "i32"), ("multiplier", "i32"), ("shift", "i8"),
    ("exp", "ptr"), ("inverse", "ptr"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(
        name,
        "tms_softmax_s16_params",
        FIELDS,
        partial(reference, rescale),
        examples,
        in_place=True,
    )
    for name, rescale in (
        ("tms_softmax_s16", rescale_single),
        ("tms_softmax_s16_dr", rescale_double),
    )
)
