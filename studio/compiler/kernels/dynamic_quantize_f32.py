"""Integers of a float row by its own range; see runtime_c/src/tms_dynamic_quantize_f32.h."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import Array, Example, Kernel, Params

LEAST_RANGE = np.float32(1e-30)


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array, scale: Array) -> None:
    """Row by row: the grid of its range, then codes less the code of zero."""
    rows = x.reshape(p["rows"], p["n"])
    for number, row in enumerate(rows):
        units, codes = _row(row, bool(p["symmetric"]))
        out.reshape(rows.shape)[number] = codes
        scale.reshape(-1)[number] = units * np.float32(p["factor"])


def _row(row: Array, symmetric: bool) -> tuple[np.float32, npt.NDArray[np.float32]]:
    low, high = _least(row), -_least(-row)
    most = max(-low, high)
    units, inverse, least, zero = np.float32(1), np.float32(0), np.float32(-128), 0
    if most >= LEAST_RANGE and symmetric:
        units, inverse, least = most / np.float32(127), np.float32(127) / most, np.float32(-127)
    elif most >= LEAST_RANGE:
        exact = (np.float64(high) - np.float64(low)) / 255
        zero = _code_of_zero(np.float64(low), exact)
        units = np.float32(exact)
        inverse = np.float32(1 / np.float64(units))
    codes = np.float32(zero) + row * inverse
    codes = np.where(codes >= least, np.where(codes <= 127, codes, np.float32(127)), least)
    return units, (away(codes) - zero).astype(np.float32)


def _least(row: Array) -> np.float32:
    """The least value or zero; NaN is not less."""
    return np.float32(np.where(row < 0, row, np.float32(0)).min())


def _code_of_zero(low: np.float64, scale: np.float64) -> int:
    zero = -128 - low / scale
    if zero >= 127:
        return 127
    return int(away(zero)) if zero >= -128 else -128


def away(x: Any) -> Any:
    """The nearest whole number, away from zero where two are as near."""
    whole = np.trunc(x)
    rest = x - whole
    return whole + (rest >= 0.5) - (rest <= -0.5)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Both kinds: rows of all signs, positive, negative and zero ones, ties, special values."""
    usual = rng.normal(0, 3, (4, 9))
    usual[1], usual[2], usual[3] = np.abs(usual[1]), -np.abs(usual[2]), 0
    ties = np.concatenate((np.arange(-128, 128) + 0.5, [-127, 127]))[None]
    special = np.zeros((6, 4))
    special[:, 1] = np.nan, np.inf, -np.inf, 1e-42, 3e38, -3e38
    special[4, 2] = -3e38
    cases = ((usual, 1.0), (usual, 0.07), (ties, 1.0), (special, 2.0))
    return tuple(
        _example(x.astype(np.float32), symmetric, factor)
        for x, factor in cases
        for symmetric in (0, 1)
    )


def _example(x: Array, symmetric: int, factor: float) -> Example:
    rows, n = x.shape
    params = {"rows": rows, "n": n, "symmetric": symmetric, "factor": factor}
    return Example(params, (x,), x.shape, "float32", (((rows,), "float32"),))


FIELDS = (("rows", "i32"), ("n", "i32"), ("factor", "f32"), ("symmetric", "i8"))
KERNELS = (
    Kernel(
        "tms_dynamic_quantize_f32",
        "tms_dynamic_quantize_f32_params",
        FIELDS,
        reference,
        examples,
    ),
)
