"""tms_dense_s8_s16: int8 into the memory of a streaming layer, which has 16 bits."""

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


def reference(rescale: Rescale, p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_n] to out int16 [out_n], of any shapes of those sizes.

    Formula: the feature product of EvalIntegerSVDF in TFLite's internal/reference/svdf.h.
    """
    weights = p["weights"].reshape(p["out_n"], p["in_n"]).astype(np.int64)
    sums = weights @ (x.reshape(-1).astype(np.int64) + p["in_offset"])
    y = rescale(sums.astype(np.int32), p["multiplier"], p["shift"])
    out[...] = np.clip(y, -32768, 32767).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Lengths about the width of vector units, saturation, a single product."""
    made = []
    for in_n, out_n, gain in ((96, 64, 3.0), (7, 5, 1.0), (33, 6, 40.0), (1, 1, 1.0)):
        multiplier, shift = quantize_multiplier(gain / np.sqrt(in_n))
        params = {
            "in_n": in_n,
            "out_n": out_n,
            "multiplier": multiplier,
            "in_offset": int(rng.integers(-127, 129)),
            "shift": shift,
            "weights": rng.integers(-127, 128, (out_n, in_n), dtype=np.int8),
        }
        x = rng.integers(-128, 128, in_n, dtype=np.int8)
        made.append(Example(params, (x,), (out_n,), "int16"))
    return tuple(made)


FIELDS = (
    ("in_n", "i32"), ("out_n", "i32"), ("multiplier", "i32"), ("in_offset", "i16"),
    ("shift", "i8"), ("weights", "ptr"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(name, "tms_dense_s8_s16_params", FIELDS, partial(reference, rescale), examples)
    for name, rescale in (
        ("tms_dense_s8_s16", rescale_single),
        ("tms_dense_s8_s16_dr", rescale_double),
    )
)
