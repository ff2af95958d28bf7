"""Transposition by strides, bytes and words; see runtime_c/src/tms_transpose.h."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, out: Array) -> None:
    """Elements of the input by the strides that each output axis has in it."""
    out[...] = strided(x, p["shape"], p["stride"]).reshape(out.shape)


def strided(x: Array, shape: Sequence[int], strides: Sequence[int]) -> Array:
    """Elements of flat memory at i * strides[0] + j * strides[1] + ...; strides in elements."""
    flat = np.ascontiguousarray(x).reshape(-1)
    steps = [stride * x.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(flat, tuple(shape), steps, writeable=False)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    shape = (2, 3, 4, 5)
    strides = (60, 20, 5, 1)
    made = []
    for order in ((0, 1, 2, 3), (0, 2, 3, 1), (3, 1, 0, 2)):
        out_shape = tuple(shape[axis] for axis in order)
        params = {"shape": out_shape, "stride": tuple(strides[axis] for axis in order)}
        x = rng.integers(-128, 128, shape).astype(dtype)
        made.append(Example(params, (x,), out_shape, dtype))
    return tuple(made)


def byte_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The identity, channels first to last, and a full shuffle."""
    return _examples("int8", rng)


def half_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in int16."""
    return _examples("int16", rng)


def word_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in float."""
    return _examples("float32", rng)


FIELDS = (("shape", "i32[4]"), ("stride", "i32[4]"))
KERNELS = (
    Kernel("tms_transpose_b8", "tms_transpose_params", FIELDS, reference, byte_examples),
    Kernel("tms_transpose_b16", "tms_transpose_params", FIELDS, reference, half_examples),
    Kernel("tms_transpose_b32", "tms_transpose_params", FIELDS, reference, word_examples),
)
