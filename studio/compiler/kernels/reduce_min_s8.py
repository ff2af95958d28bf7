"""The smallest of int8 rows; see runtime_c/src/tms_reduce_s8.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.mean_f32 import FIELDS


def reference(p: Params, x: Array, out: Array) -> None:
    """Column by column."""
    out[...] = x.reshape(p["rows"], p["channels"]).min(axis=0).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Many rows, one row, one channel."""
    made = []
    for rows, channels in ((49, 5), (1, 3), (6, 1)):
        x = rng.integers(-128, 128, (rows, channels), dtype=np.int8)
        params = {"rows": rows, "channels": channels}
        made.append(Example(params, (x,), (channels,), "int8"))
    return tuple(made)


KERNELS = (Kernel("tms_reduce_min_s8", "tms_mean_f32_params", FIELDS, reference, examples),)
