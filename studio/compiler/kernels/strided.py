"""Slices, repetitions and transpositions by strides; see runtime_c/src/tms_strided.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, out: Array) -> None:
    """Elements of the input at start and by the strides that each output axis has in it."""
    index = np.full(p["shape"], p["start"], np.int64)
    for axis, step in enumerate(p["stride"]):
        shape = [1] * index.ndim
        shape[axis] = -1
        index += step * np.arange(p["shape"][axis]).reshape(shape)
    out[...] = x.reshape(-1)[index].reshape(out.shape)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    cases = (
        ((1, 1, 1, 1, 3, 2), (0, 0, 0, 0, 8, 2), 9),
        ((2, 3, 1, 2, 2, 3), (60, 20, 7, 10, 0, 1), 2),
        ((1, 1, 1, 1, 1, 24), (0, 0, 0, 0, 0, -5), 119),
        ((2, 2, 3, 2, 1, 5), (1, 2, 40, 20, 3, 4), 0),
    )
    return tuple(
        Example(
            {"shape": shape, "stride": stride, "start": start},
            (rng.integers(-128, 128, 120).astype(dtype),),
            shape,
            dtype,
        )
        for shape, stride, start in cases
    )


FIELDS = (("shape", "i32[6]"), ("stride", "i32[6]"), ("start", "i32"))
KERNELS = tuple(
    Kernel(
        f"tms_strided_{width}", "tms_strided_params", FIELDS, reference, partial(_examples, dtype)
    )
    for width, dtype in (("b8", "int8"), ("b16", "int16"), ("b32", "float32"))
)
