"""Padding with a constant, bytes and words; see runtime_c/src/tms_pad.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, out: Array) -> None:
    """Fill with the value's bit pattern, then set the part that comes from the input."""
    sizes = tuple(zip(p["before"], p["shape"], p["after"], strict=True))
    whole = out.reshape([before + n + after for before, n, after in sizes])
    whole[...] = np.array([p["value"] & 0xFFFFFFFF], np.uint32).view(out.dtype)[0]
    to = tuple(slice(max(before, 0), before + n + min(after, 0)) for before, n, after in sizes)
    of = tuple(slice(max(-before, 0), n + min(after, 0)) for before, n, after in sizes)
    whole[to] = x.reshape(p["shape"])[of]


def _examples(dtype: str, value: int, rng: np.random.Generator) -> tuple[Example, ...]:
    cases = (
        ((1, 3, 4, 2), (0, 1, 2, 0), (0, 2, 1, 0)),
        ((2, 1, 3, 3), (1, 0, 0, 2), (0, 1, 0, 1)),
        ((1, 4, 4, 3), (0, -1, 1, 0), (0, 2, -2, -1)),
        ((1, 2, 2, 2), (0, 0, 0, 0), (0, 0, 0, 0)),
    )
    made = []
    for shape, before, after in cases:
        x = rng.integers(-128, 128, shape).astype(dtype)
        out_shape = tuple(sum(sizes) for sizes in zip(before, shape, after, strict=True))
        params = {"shape": shape, "before": before, "after": after, "value": value}
        made.append(Example(params, (x,), out_shape, dtype))
    return tuple(made)


def byte_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Each axis padded, cropped, untouched; a negative zero point."""
    return _examples("int8", -7, rng)


def half_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in int16."""
    return _examples("int16", -700, rng)


def word_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in float, with the bit pattern of -1.5."""
    return _examples("float32", -1077936128, rng)


FIELDS = (("shape", "i32[4]"), ("before", "i32[4]"), ("after", "i32[4]"), ("value", "i32"))
KERNELS = (
    Kernel("tms_pad_b8", "tms_pad_params", FIELDS, reference, byte_examples),
    Kernel("tms_pad_b16", "tms_pad_params", FIELDS, reference, half_examples),
    Kernel("tms_pad_b32", "tms_pad_params", FIELDS, reference, word_examples),
)
