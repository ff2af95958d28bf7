"""Rows by their numbers; see runtime_c/src/tms_gather.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, index: Array, out: Array) -> None:
    """Numbers below zero count from the end; what is outside is the first or the last row."""
    rows = p["rows"]
    row = np.where(index < 0, index.astype(np.int64) + rows, index).clip(0, rows - 1)
    out[...] = x.reshape(rows, p["run"])[row.reshape(-1)].reshape(out.shape)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    made = []
    for rows, run, index in ((5, 3, [4, 0, -1, 2]), (7, 1, [9, -12, 3]), (2, 4, [1])):
        x = rng.integers(-128, 128, (rows, run)).astype(dtype)
        params = {"n": len(index), "rows": rows, "run": run}
        numbers = np.array(index, np.int32)
        made.append(Example(params, (x, numbers), (len(index), run), dtype))
    return tuple(made)


FIELDS = (("n", "i32"), ("rows", "i32"), ("run", "i32"))
KERNELS = tuple(
    Kernel(f"tms_gather_{width}", "tms_gather_params", FIELDS, reference, partial(_examples, dtype))
    for width, dtype in (("b8", "int8"), ("b16", "int16"), ("b32", "float32"))
)
