"""tms_lut_s8: any unary function of int8 as a table."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params

FIELDS = (("n", "i32"), ("table", "ptr"))


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int8 of n values to out int8: table[x + 128].

    Formula: LUTLookup in TFLite's kernels/internal/common.h.
    """
    out[...] = p["table"][x.reshape(out.shape).astype(np.int32) + 128]


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every value once, and a single value."""
    table = rng.integers(-128, 128, 256, dtype=np.int8)
    every = rng.permutation(np.arange(-128, 128, dtype=np.int8))
    return (
        Example({"n": 256, "table": table}, (every,), (256,), "int8"),
        Example({"n": 1, "table": table}, (every[:1],), (1,), "int8"),
    )


KERNELS = (
    Kernel(
        "tms_lut_s8",
        "tms_lut_s8_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
