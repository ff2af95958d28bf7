"""Float mean over rows; see runtime_c/src/tms_mean_f32.h."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from studio.compiler.float_math import one_nan
from studio.compiler.kernel import Array, Example, Kernel, Params


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Add row by row, multiply by 1 / their number."""
    total = np.zeros(p["channels"], np.float32)
    for row in x.reshape(p["rows"], p["channels"]):
        total = total + row
    out[...] = one_nan(total * (np.float32(1) / np.float32(p["rows"]))).reshape(out.shape)


def reduction(name: str, start: float, join: Callable[[Array, Array], Array]) -> Kernel:
    """A kernel that folds rows one by one."""

    @np.errstate(all="ignore")
    def reference(p: Params, x: Array, out: Array) -> None:
        total = np.full(p["channels"], start, np.float32)
        for row in x.reshape(p["rows"], p["channels"]):
            total = join(total, row)
        out[...] = one_nan(total).reshape(out.shape)

    return Kernel(name, "tms_mean_f32_params", FIELDS, reference, examples)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Many rows, one row, special values."""
    special = _example(rng, 2, 6)
    special.inputs[0][:] = [
        [np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38],
        [1.0, np.inf, np.inf, -0.0, 3e-42, 3e38],
    ]
    return _example(rng, 49, 5), _example(rng, 1, 3), _example(rng, 3, 1), special


def _example(rng: np.random.Generator, rows: int, channels: int) -> Example:
    x = rng.standard_normal((rows, channels), dtype=np.float32)
    return Example({"rows": rows, "channels": channels}, (x,), (channels,), "float32")


FIELDS = (("rows", "i32"), ("channels", "i32"))
KERNELS = (Kernel("tms_mean_f32", "tms_mean_f32_params", FIELDS, reference, examples),)
