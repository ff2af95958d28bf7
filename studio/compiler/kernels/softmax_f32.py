"""Float softmax; see runtime_c/src/tms_softmax_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import exp, one_nan
from studio.compiler.kernel import Array, Example, Kernel, Params


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """e^(x - max) times 1 / its sum, added in order; no finite maximum, or a NaN, gives NaN."""
    columns = x.reshape(p["rows"], p["n"]).T
    powers = exp(columns - largest_of(columns))
    total = np.zeros(p["rows"], np.float32)
    for column in powers:
        total = total + column
    out[...] = one_nan(powers * (np.float32(1) / total)).T.reshape(out.shape)


def largest_of(columns: Array) -> Array:
    """The largest of each row, its columns first; NaN is not larger."""
    largest = columns[0]
    for column in columns[1:]:
        largest = np.where(column > largest, column, largest)
    found: Array = largest
    return found


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """One row, several, a single value, wide spreads, special values."""
    special = np.zeros((6, 4), np.float32)
    special[:, 1] = np.nan, np.inf, -np.inf, -0.0, 1e-42, -103.5
    special[5, 0] = np.nan
    special = np.concatenate((special, np.full((1, 4), -np.inf, np.float32)))
    return (
        _example(rng.normal(0, 3, (1, 10))),
        _example(rng.normal(0, 30, (4, 7))),
        _example(rng.normal(0, 3, (2, 1))),
        _example(special),
    )


def _example(x: Array) -> Example:
    rows, n = x.shape
    return Example({"rows": rows, "n": n}, (x.astype(np.float32),), x.shape, "float32")


FIELDS = (("rows", "i32"), ("n", "i32"))
KERNELS = (
    Kernel("tms_softmax_f32", "tms_softmax_f32_params", FIELDS, reference, examples, in_place=True),
)
