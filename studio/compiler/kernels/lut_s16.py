"""tms_lut_s16: a smooth function of int16 by straight lines between 513 values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params

STEPS = 512


def looked_up(x: Array, table: Array) -> Array:
    """Int32 values of a table at int16 x.

    Formula: LUTLookup of int16 in TFLite's kernels/internal/common.h.
    """
    wide = x.astype(np.int32)
    index, offset = 256 + (wide >> 7), wide & 127
    base = table.reshape(-1).astype(np.int32)
    found: Array = base[index] + (((base[index + 1] - base[index]) * offset + 64) >> 7)
    return found


def table_of(
    function: Callable[[Array], Array],
    low: float,
    high: float,
    steps: float,
    real: type[np.floating[Any]] = np.float64,
) -> Array:
    """The 513 int16 values of a function from low to high, `steps` for one.

    Half of the error at the middle of each line is taken off its start. TFLite Micro calculates
    in float32, given by `real`; so does LiteRT for all functions but softmax's.
    Formula: LUTPopulate of int16 in TFLite's kernels/internal/common.h.
    """
    step = (real(high) - real(low)) / real(STEPS)
    x = real(low) + step * np.arange(STEPS + 1).astype(real)
    exact, middle = (
        function(place.astype(np.float64)).astype(real) * real(steps)
        for place in (x, x[:-1] + step / real(2))
    )
    sampled = _rounded(exact)
    line = _rounded((exact[1:] + sampled[:-1]) / real(2))
    bias = _rounded((line - _rounded(middle)) / real(2))
    values = np.append(sampled[:-1] - bias, sampled[-1])
    table: Array = np.clip(values, -32768, 32767).astype(np.int16)
    return table


def _rounded(x: Array) -> Array:
    """Half away from zero."""
    away: Array = np.trunc(x + np.copysign(x.dtype.type(0.5), x))
    return away


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int16 of n values to out int16."""
    out[...] = looked_up(x, p["table"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """A sigmoid over the whole range, and a table that is no function."""
    x = rng.integers(-32768, 32768, 400).astype(np.int16)
    x[:4] = -32768, 32767, 0, -1
    smooth = table_of(lambda v: 1 / (1 + np.exp(-v)), -8.0, 8.0, 32768)
    wild = np.cumsum(rng.integers(-100, 101, STEPS + 1)).astype(np.int16)
    return tuple(Example({"n": 400, "table": t}, (x,), (400,), "int16") for t in (smooth, wild))


FIELDS = (("n", "i32"), ("table", "ptr"))
KERNELS = (Kernel("tms_lut_s16", "tms_lut_s16_params", FIELDS, reference, examples, in_place=True),)
