"""Where the largest or smallest of the rows is; see runtime_c/src/tms_argmax_f32.h."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params

Better = Callable[[Any, Any], Any]


def reference(first: Better, last: Better, p: Params, x: Array, out: Array) -> None:
    """Row by row; of equal values the first, or the last; NaN is never better."""
    rows = x.reshape(p["rows"], p["channels"])
    best, where = rows[0], np.zeros(p["channels"], np.int32)
    for number, row in enumerate(rows):
        better = (last if p["last"] else first)(row, best)
        best, where = np.where(better, row, best), np.where(better, number, where)
    out[...] = where.reshape(out.shape)


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """Many equal values, either end, one row."""
    made = []
    for rows, channels, last in ((9, 5, 0), (9, 5, 1), (1, 3, 0), (40, 1, 1)):
        x = rng.integers(-3, 3, (rows, channels)).astype(dtype)
        params = {"rows": rows, "channels": channels, "last": last}
        made.append(Example(params, (x,), (channels,), "int32"))
    return tuple(made)


FIELDS = (("rows", "i32"), ("channels", "i32"), ("last", "i32"))
KERNELS = tuple(
    Kernel(
        f"tms_{name}_{suffix}",
        "tms_arg_params",
        FIELDS,
        partial(reference, first, last),
        partial(examples, dtype),
    )
    for name, first, last in (
        ("argmax", operator.gt, operator.ge),
        ("argmin", operator.lt, operator.le),
    )
    for suffix, dtype in (("s8", "int8"), ("f32", "float32"))
)
