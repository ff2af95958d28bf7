"""Between number types, element by element; see runtime_c/src/tms_cast_f32_s32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.sigmoid_f32 import FIELDS
from studio.compiler.kernels.sigmoid_f32 import examples as float_examples


def to_int32(p: Params, x: Array, out: Array) -> None:
    """Towards zero; saturating, NaN becomes 0."""
    whole = np.trunc(np.where(x == x, x, 0).astype(np.float64))
    out[...] = np.clip(whole, -(2**31), 2**31 - 1).astype(np.int32).reshape(out.shape)


def to_float(p: Params, x: Array, out: Array) -> None:
    """The nearest float."""
    out[...] = x.astype(np.float32).reshape(out.shape)


def to_bool(p: Params, x: Array, out: Array) -> None:
    """False for zeros only."""
    out[...] = (x != 0).reshape(out.shape)


def _from_float(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    huge = np.array([2e9, 3e9, -3e9, 2147483648, -2147483648, 1.9, -1.9], np.float32)
    extra = Example({"n": 7}, (huge,), (7,), dtype)
    made = (Example(e.params, e.inputs, e.out_shape, dtype) for e in float_examples(rng))
    return (*made, extra)


def int32_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Special values, saturation, both signs of a fraction."""
    return _from_float("int32", rng)


def bool_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same: NaN and denormals are true."""
    return _from_float("bool", rng)


def from_int32_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """All sizes, the ends among them."""
    x = (rng.integers(-(2**31), 2**31, 99) >> rng.integers(0, 31, 99)).astype(np.int32)
    x[:2] = -(2**31), 2**31 - 1
    return (Example({"n": 99}, (x,), (99,), "float32"),)


def from_byte_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every value."""
    return (Example({"n": 256}, (np.arange(256, dtype=np.uint8),), (256,), "float32"),)


STRUCT = "tms_unary_f32_params"
KERNELS = (
    Kernel("tms_cast_f32_s32", STRUCT, FIELDS, to_int32, int32_examples),
    Kernel("tms_cast_s32_f32", STRUCT, FIELDS, to_float, from_int32_examples),
    Kernel("tms_cast_u8_f32", STRUCT, FIELDS, to_float, from_byte_examples),
    Kernel("tms_cast_f32_bool", STRUCT, FIELDS, to_bool, bool_examples),
)
