"""Copying runs of elements, bytes and words; see runtime_c/src/tms_copy.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, out: Array) -> None:
    """Write only the runs; the rest of out stays."""
    rows, columns = np.ogrid[: p["rows"], : p["n"]]
    to = p["out_start"] + rows * p["out_stride"] + columns
    out.reshape(-1)[to] = x.reshape(-1)[rows * p["in_stride"] + columns]


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    cases = (
        ((1, 24, 24, 24, 0), (24,), (24,)),
        ((4, 3, 3, 8, 5), (4, 3), (4, 8)),
        ((3, 2, 5, 2, 0), (3, 5), (3, 2)),
        ((2, 6, 6, 6, 12), (2, 6), (4, 6)),
    )
    names = [name for name, _ in FIELDS]
    return tuple(
        Example(
            dict(zip(names, values, strict=True)),
            (rng.integers(-128, 128, in_shape).astype(dtype),),
            out_shape,
            dtype,
        )
        for values, in_shape, out_shape in cases
    )


def byte_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """All at once, a concatenation's part, a slice, an appended block."""
    return _examples("int8", rng)


def half_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in int16."""
    return _examples("int16", rng)


def word_examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in float."""
    return _examples("float32", rng)


FIELDS = (
    ("rows", "i32"), ("n", "i32"), ("in_stride", "i32"), ("out_stride", "i32"),
    ("out_start", "i32"),
)  # fmt: skip
KERNELS = (
    Kernel("tms_copy_b8", "tms_copy_params", FIELDS, reference, byte_examples),
    Kernel("tms_copy_b16", "tms_copy_params", FIELDS, reference, half_examples),
    Kernel("tms_copy_b32", "tms_copy_params", FIELDS, reference, word_examples),
)
