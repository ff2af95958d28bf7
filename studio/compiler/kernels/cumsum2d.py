"""tms_cumsum2d_s8 and _f32: sums over all places of a tensor down to each row."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import window


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Map x [in_h, in_w, in_c] to out [in_h, 1, in_c], int8 to int32 or float32.

    Float sums run in the order of the places, as those of tms_mean_f32 do.
    """
    total = np.zeros(p["in_c"], out.dtype)
    for y, row in enumerate(x):
        for place in row:
            total = total + place.astype(out.dtype)
        out[y] = total


def sums_window(height: int, width: int, channels: int) -> dict[str, int]:
    """The window of the kernel: row for row, all columns to one."""
    return window((height, width, channels), channels, (1, 1)) | {"out_w": 1}


def examples_s8(rng: np.random.Generator) -> tuple[Example, ...]:
    """Several rows, one row, one column."""
    sizes = ((4, 5, 3), (1, 7, 6), (9, 1, 2))
    return tuple(
        Example(
            sums_window(*size),
            (rng.integers(-128, 128, size, dtype=np.int8),),
            (size[0], 1, size[2]),
            "int32",
        )
        for size in sizes
    )


def examples_f32(rng: np.random.Generator) -> tuple[Example, ...]:
    """The same in float."""
    sizes = ((4, 5, 3), (1, 7, 6), (9, 1, 2))
    return tuple(
        Example(
            sums_window(*size),
            (rng.standard_normal(size, np.float32),),
            (size[0], 1, size[2]),
            "float32",
        )
        for size in sizes
    )


KERNELS = tuple(
    Kernel(name, "tms_cumsum2d_params", (), reference, examples, window=True, carries=True)
    for name, examples in (("tms_cumsum2d_s8", examples_s8), ("tms_cumsum2d_f32", examples_f32))
)
