"""tms_sigmoid_s16 and tms_tanh_s16: as TFLite computes them, output scale 1/32768."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def _table() -> Array:
    """TFLite's 256 values: each line is raised by half of what its middle lies under the curve."""
    exact = 65536 / (1 + np.exp(-np.arange(0, 256.5, 0.5) / 24))
    start, middle, end = exact[:-1:2], exact[1::2], exact[2::2]
    raised = start + (middle - (start + end) / 2) / 2
    table: Array = np.rint(raised).astype(np.uint16)
    table[-1] = 65535  # behind it the function is at its end
    return table


TABLE = _table()


def sigmoid_factors(in_scale: float) -> dict[str, int]:
    """The fields multiplier and shift (TFLite's activations.cc, SigmoidPrepare)."""
    multiplier, shift = in_scale * 4096 * 3, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    return {"multiplier": int(multiplier), "shift": shift}


def _of_size(p: Params, grid: Array, bits: int, end: int) -> Array:
    size = np.abs(grid)
    index, rest = np.minimum(size >> bits, 254), size & ((1 << bits) - 1)
    table = p["table"].astype(np.int64)
    y = (table[index] << bits) + rest * (table[index + 1] - table[index])
    return np.where(size >> bits >= 255, end, y)


def _grid(p: Params, x: Array) -> Array:
    half = 1 << (p["shift"] - 1) if p["shift"] else 0
    grid: Array = (x.astype(np.int64) * p["multiplier"] + half) >> p["shift"]
    return grid


def sigmoid(p: Params, x: Array, out: Array) -> None:
    """Map x int16 of n values to out int16.

    Formula: Logistic of int16 in TFLite's reference/integer_ops/logistic.h.
    """
    grid = _grid(p, x)
    y = _of_size(p, grid, 9, 0x7FFF << 10)
    y = np.where(grid >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1) >> 10
    out[...] = y.reshape(out.shape)


def tanh(p: Params, x: Array, out: Array) -> None:
    """Map x int16 of n values to out int16.

    Formula: Tanh of int16 in TFLite's reference/integer_ops/tanh.h.
    """
    grid = _grid(p, x)
    y = _of_size(p, grid, 8, 0xFFFF << 8) - (1 << 23)
    out[...] = ((np.where(grid >= 0, y, -y - 1) + (1 << 7)) >> 8).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Scales of powers of two and others, small and large."""
    x = rng.integers(-32768, 32768, 300).astype(np.int16)
    x[:5] = -32768, 32767, 0, -1, 1
    made = []
    for scale in (1 / 4096, 0.00031, 0.002, 1e-5):
        params: dict[str, Any] = {"n": 300, **sigmoid_factors(scale), "table": TABLE}
        made.append(Example(params, (x,), (300,), "int16"))
    return tuple(made)


FIELDS = (("n", "i32"), ("multiplier", "i32"), ("shift", "i32"), ("table", "ptr"))
KERNELS = tuple(
    Kernel(name, "tms_sigmoid_s16_params", FIELDS, function, examples, in_place=True)
    for name, function in (("tms_sigmoid_s16", sigmoid), ("tms_tanh_s16", tanh))
)
