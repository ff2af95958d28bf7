"""tms_scan1_s8 and tms_scan2_s8: a recurrent layer of int8 with one or two states.

A time step is a list of operations on int16 vectors in the scratch memory, so that one kernel
serves every cell. Values stand there with their zero point taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import numpy as np

from studio.compiler import fixed_sigmoid
from studio.compiler.fixed_point import (
    divide_by_pot,
    quantize_multiplier,
    quantize_multipliers,
    rescale_double,
    rescale_single,
)
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.sigmoid_s16 import TABLE, sigmoid, sigmoid_factors, tanh

COLUMNS = (
    "kind", "n", "out", "a", "b", "in_n", "weights", "bias", "factor", "per_row",
    "multiplier_a", "multiplier_b", "shift", "low", "high",
)  # fmt: skip
KINDS = ("gemm_of_input", "gemm", "sum", "product", "sigmoid", "tanh")
SUM_BITS = 16  # of the fraction of a sum's factors
UNIT = 1 / 32768
Operation = Mapping[str, int]


def operations(rows: list[dict[str, int]]) -> Array:
    """The table of operations as C has it; what a row does not say is 0, and -1 for a vector b."""
    usual = {"b": -1, "low": -32768, "high": 32767}
    table = [[{**usual, **row}.get(column, 0) for column in COLUMNS] for row in rows]
    return np.array(table, np.int32)


def sum_columns(a: float, b: float) -> dict[str, int]:
    """The factors of a and b in a sum."""
    factors = np.rint(np.array([a, b]) * (1 << SUM_BITS)).astype(np.int32)
    return {"multiplier_a": int(factors[0]), "multiplier_b": int(factors[1]), "shift": SUM_BITS}


def product_columns(factor: float) -> dict[str, int]:
    """The factor of a product."""
    multiplier, shift = quantize_multiplier(factor)
    return {"multiplier_a": multiplier, "shift": shift}


def activation_columns(rounding: str | None, scale: float) -> dict[str, int]:
    """What a sigmoid or tanh of values of a scale needs; the result's scale is UNIT."""
    if rounding == "single":
        return {"multiplier_a": fixed_sigmoid.knot_factor(scale)}
    if rounding == "double":
        factors = sigmoid_factors(scale)
        return {"multiplier_a": factors["multiplier"], "shift": factors["shift"]}
    return {"shift": 15 + round(np.log2(scale))}  # LiteRT: the number of integer bits


def table_of(rounding: str | None) -> Array:
    """The table that sigmoids of a rounding read; LiteRT's read none."""
    return {"single": fixed_sigmoid.KNOTS, "double": TABLE}.get(rounding or "", TABLE[:1])


def _reference(rounding: str, p: Params, *arrays: Array) -> None:
    """Walk the steps of each sequence of the batch.

    Formulas of `double`: kernels/lstm_eval.cc of TFLite Micro; of `litert`: kernels/lstm_eval.cc
    and kernels/internal/reference/portable_tensor_utils.cc of TFLite.
    """
    states = len(arrays) // 2 - 1
    x, starts, (out, *lasts) = arrays[0], arrays[1 : 1 + states], arrays[1 + states :]
    x = x.reshape(p["steps"], p["batch"], p["in_n"])
    table = [
        dict(zip(COLUMNS, map(int, row), strict=True))
        for row in p["operations"].reshape(-1, len(COLUMNS))
    ]
    for b in range(p["batch"]):
        values = np.zeros(p["values"], np.int64)
        for s in range(states):
            rows = starts[s].reshape(p["batch"], -1).astype(np.int64)
            _at(values, p["state_at"][s], p["state_n"][s])[:] = rows[b] - p["state_zero"][s]
        for i in range(p["steps"]):
            t = p["steps"] - 1 - i if p["reverse"] else i
            for operation in table:
                found = computed(rounding, p, operation, x[t, b], values)
                _at(values, operation["out"], operation["n"])[:] = found
            if p["whole"]:
                row = _at(values, p["out_at"], p["out_n"]) + p["out_zero"]
                out.reshape(p["steps"], p["batch"], -1)[t, b] = row
            _step_on(p, values, states)
        for s, last in enumerate(lasts):
            row = _at(values, p["state_at"][s], p["state_n"][s]) + p["state_zero"][s]
            last.reshape(p["batch"], -1)[b] = row


def _at(values: Array, start: int, n: int) -> Array:
    return values[start : start + n]


def _step_on(p: Params, values: Array, states: int) -> None:
    for s in range(states):
        after = _at(values, p["after_at"][s], p["state_n"][s])
        _at(values, p["state_at"][s], p["state_n"][s])[:] = after


def computed(rounding: str, p: Params, op: Operation, x: Array, values: Array) -> Array:
    """The result of an operation."""
    kind, n = KINDS[op["kind"]], op["n"]
    b = None if op["b"] < 0 else _at(values, op["b"], n)
    if kind in ("gemm_of_input", "gemm"):
        a = x.astype(np.int64) if kind == "gemm_of_input" else _at(values, op["a"], op["in_n"])
        return _gemm(rounding, p, op, a, b)
    a = _at(values, op["a"], n)
    if kind in ("sigmoid", "tanh"):
        return _activated(rounding, p, op, kind, a)
    if kind == "sum":
        found = a * op["multiplier_a"] + (0 if b is None else b * op["multiplier_b"])
        up = found + (1 << (op["shift"] - 1))
        half = up & ((1 << op["shift"]) - 1) == 0
        found = np.where(half, up >> op["shift"] & ~1, up >> op["shift"])
    elif op["multiplier_a"] == 0:  # a power of two, as LiteRT divides by it
        found = divide_by_pot(a * b, -op["shift"])
    else:
        found = _rescaled(rounding, a * b, op["multiplier_a"], op["shift"])
    return np.clip(found, op["low"], op["high"])


def _rescaled(rounding: str, x: Array, multiplier: Any, shift: Any) -> Array:
    rescale = rescale_single if rounding == "single" else rescale_double
    return rescale(x, multiplier, shift).astype(np.int64)


def _gemm(rounding: str, p: Params, op: Operation, a: Array, b: Array | None) -> Array:
    """Weights times a, and b added; LiteRT keeps all bits until then."""
    n, in_n = op["n"], op["in_n"]
    weights = _at(p["weights"].reshape(-1), op["weights"], n * in_n).reshape(n, in_n)
    sums = weights.astype(np.int64) @ a
    if op["bias"] >= 0:
        sums = sums + _at(p["bias"].reshape(-1), op["bias"], n)
    rows = slice(op["factor"], op["factor"] + (n if op["per_row"] else 1))
    multiplier, shift = p["multiplier"].reshape(-1)[rows], p["shift"].reshape(-1)[rows]
    found = _rescaled(rounding, sums, multiplier, shift)
    if rounding != "litert" or b is None:
        found = np.clip(found, op["low"], op["high"])
    return found if b is None else np.clip(found + b, op["low"], op["high"])


def _activated(rounding: str, p: Params, op: Operation, kind: str, a: Array) -> Array:
    if rounding == "litert":
        return (fixed_sigmoid.logistic if kind == "sigmoid" else fixed_sigmoid.tanh)(a, op["shift"])
    if rounding == "double":
        out = np.zeros(a.size, np.int16)
        factors = {"multiplier": op["multiplier_a"], "shift": op["shift"], "table": p["table"]}
        (sigmoid if kind == "sigmoid" else tanh)(factors, a, out)
        return out.astype(np.int64)
    near = fixed_sigmoid.near_sigmoid if kind == "sigmoid" else fixed_sigmoid.near_tanh
    return np.clip(near(a, op["multiplier_a"]), -32768, 32767)


def _example(rng: np.random.Generator, rounding: str, states: int, case: dict[str, Any]) -> Example:
    """A cell that has every operation: h = sigmoid(W x + R h) * tanh(s), s = h + s / 2."""
    p: dict[str, Any] = {"batch": 1, "reverse": 0, "whole": 1, "wide": 0, **case}
    n, in_n, wide, steps, batch = p["n"], p["in_n"], p.pop("wide"), p["steps"], p["batch"]
    h, s = 0, (states - 1) * n
    row: dict[str, int] = {"n": n}
    unit = activation_columns(rounding, 2**-12)
    low, high = (-32768, 32767) if wide else (-131, 124)
    rows = [
        {**row, "kind": 0, "out": 2 * n, "in_n": in_n, "bias": 0},
        {**row, "kind": 1, "out": 2 * n, "a": h, "b": 2 * n, "in_n": n, "weights": n * in_n,
         "bias": -1, "factor": n},
        {**row, "kind": 4, "out": 3 * n, "a": 2 * n, **unit},
        {**row, "kind": 5, "out": 4 * n, "a": s, **unit},
        {**row, "kind": 3, "out": 5 * n, "a": 3 * n, "b": 4 * n, "low": low, "high": high,
         **product_columns(2**-15 if wide else 0.7 * 2**-22)},
        {**row, "kind": 2, "out": 4 * n, "a": s, "b": 5 * n, "low": -20480, "high": 20480,
         **sum_columns(0.5, 1.25 if wide else 170)},
        {**row, "kind": 2, "out": 4 * n, "a": 4 * n, **sum_columns(0.9, 0)},
    ]  # fmt: skip
    rows[0]["per_row"] = 1
    if rounding == "litert":
        rows.append({**row, "kind": 3, "out": 4 * n, "a": 4 * n, "b": 3 * n, "shift": -15})
    multiplier, shift = quantize_multipliers(
        np.append(rng.uniform(0.5, 30, n), 2**-9 if wide else 2.0)
    )
    size, zero = ("int16", 0) if wide else ("int8", 3)
    sizes = {1: (5 * n,), 2: (5 * n, 4 * n)}[states]
    p |= {
        "values": 6 * n, "operations_n": len(rows), "state_at": (h, s), "after_at": (*sizes, 0)[:2],
        "state_n": (n, n), "state_zero": (zero, 0), "state_bytes": (1 + wide, 2),
        "out_at": 5 * n, "out_n": n, "out_zero": zero, "out_bytes": 1 + wide,
        "operations": operations(rows), "multiplier": multiplier, "shift": shift,
        "weights": rng.integers(-128, 128, n * (in_n + n), dtype=np.int8),
        "bias": rng.integers(-9000, 9000, n).astype(np.int32),
        "table": table_of(rounding),
    }  # fmt: skip
    del p["n"]
    x = rng.integers(-128, 128, (steps, batch, in_n), dtype=np.int8)
    starts = (
        np.where(np.arange(n) == 0, -128, rng.integers(-128, 128, (batch, n))).astype(size),
        rng.integers(-32768, 32768, (batch, n)).astype(np.int16),
    )[:states]
    more = tuple((start.shape, str(start.dtype)) for start in starts)
    return Example(p, (x, *starts), (steps, batch, n), size, more)


CASES: tuple[dict[str, Any], ...] = (
    {"steps": 4, "in_n": 5, "n": 3},
    {"steps": 3, "in_n": 2, "n": 4, "batch": 2, "reverse": 1, "wide": 1},
    {"steps": 2, "in_n": 9, "n": 1, "whole": 0},
)


def _kernel(rounding: str, states: int) -> Kernel:
    def scratch_bytes(p: Params) -> int:
        return 2 * int(p["values"])

    def examples(rng: np.random.Generator) -> tuple[Example, ...]:
        return tuple(_example(rng, rounding, states, case) for case in CASES)

    return Kernel(
        name_of(rounding, states),
        "tms_scan_params",
        FIELDS,
        partial(_reference, rounding),
        examples,
        scratch_bytes=scratch_bytes,
        replaces=tuple((1 + k, 1 + k) for k in range(states)),
    )


def name_of(rounding: str | None, states: int) -> str:
    """The kernel of a rounding."""
    suffix = {"single": "", "double": "_dr", "litert": "_litert"}[cast("str", rounding)]
    return f"tms_scan{states}_s8{suffix}"


FIELDS = (
    ("steps", "i32"), ("batch", "i32"), ("in_n", "i32"), ("operations_n", "i32"),
    ("values", "i32"), ("state_at", "i32[2]"), ("after_at", "i32[2]"), ("state_n", "i32[2]"),
    ("out_at", "i32"), ("out_n", "i32"), ("state_zero", "i16[2]"), ("out_zero", "i16"),
    ("state_bytes", "i8[2]"), ("out_bytes", "i8"), ("reverse", "i8"), ("whole", "i8"),
    ("operations", "ptr"), ("weights", "ptr"), ("bias", "ptr"), ("multiplier", "ptr"),
    ("shift", "ptr"), ("table", "ptr"),
)  # fmt: skip
KERNELS = tuple(
    _kernel(rounding, states) for rounding in ("single", "double", "litert") for states in (1, 2)
)
