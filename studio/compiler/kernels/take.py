"""Runs in the order of a list; see runtime_c/src/tms_take.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, out: Array) -> None:
    """Index j of the middle axis comes from index[j]."""
    whole = x.reshape(p["outer"], p["in_n"], p["inner"])
    out[...] = whole[:, p["index"]].reshape(out.shape)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    made = []
    for outer, in_n, inner, index in (
        (1, 5, 3, [4, 0, 0, 2]), (3, 4, 1, [3, 2, 1, 0, 0]), (2, 2, 7, [1]),
    ):  # fmt: skip
        x = rng.integers(-128, 128, (outer, in_n, inner)).astype(dtype)
        params = {
            "outer": outer,
            "in_n": in_n,
            "out_n": len(index),
            "inner": inner,
            "index": np.array(index, np.int32),
        }
        made.append(Example(params, (x,), (outer, len(index), inner), dtype))
    return tuple(made)


FIELDS = (
    ("outer", "i32"), ("in_n", "i32"), ("out_n", "i32"), ("inner", "i32"), ("index", "ptr"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(f"tms_take_{width}", "tms_take_params", FIELDS, reference, partial(_examples, dtype))
    for width, dtype in (("b8", "int8"), ("b16", "int16"), ("b32", "float32"))
)
