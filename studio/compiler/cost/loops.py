"""How often the loops of kernels without a window run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from studio.compiler.kernels.scan_s8 import COLUMNS, KINDS
from studio.compiler.sparse import SEGMENT

Params = Mapping[str, Any]
Counts = dict[str, float]

FILTERS = 4  # TMS_FILTERS: filters that share each load of the input
_EXPONENT = 32 * 128 * 4  # largest exponent, half the range of int8, quarters in a unit
_WIDTHS = (4, 8, 16)  # by which compilers unroll and vectorise


def loop(name: str, runs: Sequence[tuple[float, int]]) -> Counts:
    """A loop: (how often it is entered, how many elements it sees) for each length."""
    counts: Counts = {}

    def add(key: str, value: float) -> None:
        if value:
            counts[f"{name} {key}"] = counts.get(f"{name} {key}", 0.0) + value

    for times, n in runs:
        add("entered", times)
        add("n", times * n)
        for width in _WIDTHS:
            add(f"n%{width}", times * (n % width))
            add(f"n/{width} begun", times * -(-n // width))
            add(f"n>={width}", times * (n >= width))
    return counts


def scalar(counts: Counts) -> Counts:
    """Those of loops that cannot be vectorised, since their output is an input's memory.

    What each side's stride is no longer matters.
    """
    return {
        re.sub(r"^pair \d\d", "pair", f"{key} in place"): value
        for key, value in counts.items()
        if not any(mark in key for mark in ("n%", "n/", "n>="))
    }


def dots(runs: Sequence[tuple[float, int, int]], filters: int, bits: int) -> Counts:
    """tms_dots_s8 and tms_dots_s8_w4 over `filters` filters, blocks of four.

    Args:
        runs: (how often, place of the first weight mod 2, how many weights).
        filters: that see the same inputs; of 8 bits, those behind the blocks come one by one.
        bits: of a weight; of 4 bits two are read together, those that share a byte with others
            apart, and the last block may have fewer filters.
    """
    if bits == 4:
        return _dots_of_pairs(runs, -(-filters // FILTERS))
    blocks, rest = divmod(filters, FILTERS)
    times = sum(t for t, _, _ in runs)
    return {
        "four": times * blocks,
        "rest": times * (rest > 0),
        **loop("four", [(t * blocks, n) for t, _, n in runs]),
        **loop("one", [(t * rest, n) for t, _, n in runs]),
    }


def _dots_of_pairs(runs: Sequence[tuple[float, int, int]], blocks: int) -> Counts:
    return {
        "four": blocks * sum(t for t, _, _ in runs),
        "lead": blocks * sum(t * first for t, first, _ in runs),
        "last": blocks * sum(t * ((n - first) % 2) for t, first, n in runs),
        **loop("four", [(t * blocks, (n - first) // 2) for t, first, n in runs]),
    }


def segments(depth: int, block: int) -> int:
    """Counted runs of blocks that sparse weights of one tap consist of."""
    return -(-depth // (SEGMENT * block))


def stored_blocks(stream: Any, runs: int, depth: int, block: int) -> Any:
    """How many blocks sparse weights hold for each of their runs (studio/compiler/sparse.py)."""
    heads = stream.view(np.uint8)
    number, at = segments(depth, block), 0
    found = np.zeros(runs, np.int64)
    for run in range(runs):
        for _ in range(number):
            held = int(heads[at])
            found[run] += held
            at += 1 + held * (1 + block)
    return found


def _dense_in_fours(bits: int) -> Callable[[Params], Counts]:
    def counts(p: Params) -> Counts:
        filters = p["out_n"]
        return {
            "row": p["rows"],
            "filter": p["rows"] * filters,
            **dots([(p["rows"], 0, p["in_n"])], filters, bits),
        }

    return counts


def _dense_row(p: Params) -> Counts:
    return {"filter": p["out_n"], **dots([(1.0, 0, p["in_n"])], p["out_n"], 8)}


def _dense(p: Params) -> Counts:
    outputs = p["rows"] * p["out_n"]
    return {"row": p["rows"], "filter": outputs, **loop("product", [(outputs, p["in_n"])])}


def _dense_sparse(block: int) -> Callable[[Params], Counts]:
    def counts(p: Params) -> Counts:
        outputs = p["rows"] * p["out_n"]
        held = stored_blocks(p["weights"], p["out_n"], p["in_n"], block)
        return {
            "row": p["rows"],
            "filter": outputs,
            "segment": outputs * segments(p["in_n"], block),
            "block n": p["rows"] * int(held.sum()),
        }

    return counts


def _matmul(p: Params) -> Counts:
    batches = math.prod(p["batch"])
    outputs = batches * p["m"] * p["n"]
    name = f"product {int(p['a_stride'][3] == 1)}{int(p['b_stride'][2] == 1)}"
    return {
        "batch": batches,
        "row": batches * p["m"],
        "value": outputs,
        **loop(name, [(outputs, p["k"])]),
    }


def _elements(p: Params) -> Counts:
    return loop("element", [(1, p["n"])])


def _walk(p: Params, steps: str) -> Counts:
    i, j, k, n = p["shape"]
    return {"axis 0": i, "axis 1": i * j, "axis 2": i * j * k, **loop(steps, [(i * j * k, n)])}


def _pairs(p: Params) -> Counts:
    if p["shape"][3] == 1:
        return _walk(p, "pair")
    return _walk(p, f"pair {int(p['a_stride'][3] > 0)}{int(p['b_stride'][3] > 0)}")


def _choice(p: Params) -> Counts:
    return _walk(p, "choice")


def _transpose(p: Params) -> Counts:
    i, j, k, n = p["shape"]
    name = "run" if p["stride"][3] == 1 else "step"
    return {"axis 0": i, "axis 1": i * j, **loop(name, [(i * j * k, n)])}


def _strided(p: Params) -> Counts:
    *outer, n = p["shape"]
    entered = [math.prod(outer[: axis + 1]) for axis in range(len(outer))]
    name = "run" if p["stride"][5] == 1 else "step"
    axes = {f"axis {axis}": times for axis, times in enumerate(entered)}
    return {**axes, **loop(name, [(entered[-1], n)])}


def _take(p: Params) -> Counts:
    return {"axis 0": p["outer"], **loop("run", [(p["outer"] * p["out_n"], p["inner"])])}


def _gather(p: Params) -> Counts:
    return loop("run", [(p["n"], p["run"])])


def _resample(p: Params) -> Counts:
    places = p["outer"] * p["out_n"]
    values = places * p["inner"]
    return {"axis 0": p["outer"], "place": places, **loop("tap", [(values, p["taps"])])}


def _pad(p: Params) -> Counts:
    sizes = [b + n + a for b, n, a in zip(p["before"], p["shape"], p["after"], strict=True)]
    whole = sizes[0] * sizes[1] * sizes[2]
    within = p["shape"][0] * p["shape"][1] * p["shape"][2]
    n = sizes[3]
    return {
        "axis 1": sizes[0] * sizes[1],
        **loop("inside", [(within, n)]),
        "moved": within * p["shape"][3],
        **loop("outside", [(whole - within, n)]),
    }


def _copy(p: Params) -> Counts:
    return loop("run", [(p["rows"], p["n"])])


def channel(channels: int) -> str:
    """The name of a loop over places, whose values of one channel may be neighbours in memory."""
    return "channel" if channels > 1 else "only channel"


def _reduction(p: Params) -> Counts:
    return loop(channel(p["channels"]), [(p["channels"], p["rows"])])


def _vectors(p: Params) -> Counts:
    counts = loop("vector", [(p["rows"], p["n"])])
    if "diff_min" in p:
        # int8 softmax multiplies once for each bit of an exponent, which the scale makes long
        bits = math.log2(1 - _EXPONENT / p["diff_min"]) if p["diff_min"] < 0 else 0.0
        counts["bits"] = p["rows"] * p["n"] * bits
    if not p.get("symmetric", True):
        counts["asymmetric row"] = p["rows"]  # its zero is found in double precision
    return counts


def _recurrent(gates: int, uses: Sequence[int]) -> Callable[[Params], Counts]:
    """`uses`: which of the activations each value of the state passes through."""

    def counts(p: Params) -> Counts:
        steps = int(np.minimum(p["lengths"], p["steps"]).sum())
        values = steps * p["hidden"]
        coupled = p["variant"] and gates == 4
        through = [p["activation"][which] for which in uses[1 if coupled else 0 :]]
        return {
            "sequence": p["batch"],
            "step": steps,
            "value": values,
            "value of variant": values * p["variant"],
            "value of peepholes": values * p["peeps"],
            **{f"activation {kind}": values * through.count(kind) for kind in set(through)},
            "written": p["whole"] * p["batch"] * p["steps"] * p["hidden"],
            **loop("input", [(gates * values, p["in_n"])]),
            **loop("state", [(gates * values, p["hidden"])]),
        }

    return counts


def _scan(p: Params) -> Counts:
    """Each step's operations on vectors, by their kinds (studio/compiler/kernels/scan_s8.py)."""
    steps = p["steps"] * p["batch"]
    total: Counts = {"step": steps, "written": p["whole"] * steps * p["out_n"]}
    products: dict[str, list[tuple[float, int]]] = {}
    for row in p["operations"].reshape(-1, len(COLUMNS)):
        op = dict(zip(COLUMNS, map(int, row), strict=True))
        kind = KINDS[op["kind"]]
        for key, value in ((kind, steps), (f"{kind} value", steps * op["n"])):
            total[key] = total.get(key, 0.0) + value
        if kind.startswith("gemm"):
            products.setdefault(kind, []).append((steps * op["n"], op["in_n"]))
    for kind, runs in products.items():
        total |= loop(f"{kind} product", runs)
    return total


def _fir(p: Params) -> Counts:
    return loop("product", [(p["units"], p["taps"])])


def _shift(p: Params) -> Counts:
    moved = p["rows"] * p["n"] - p["fresh"]
    # Compilers make memmove and memcpy of it, which go byte by byte where no word fits.
    by, of = math.gcd(p["fresh"], 4), math.gcd(p["fresh"], p["n"], 4)
    fresh = loop(f"fresh by {of}", [(p["rows"], p["fresh"])])
    return {**loop(f"moved by {by}", [(1, moved)]), **fresh}


# What a kernel walks shows in the fields of its struct: the first of these that it has all of.
_FIELDS: tuple[tuple[str, str], ...] = (
    ("scan", "steps batch operations"),
    ("matmul", "batch m k n a_stride b_stride"),
    ("choice", "shape a_stride b_stride c_stride"),
    ("pairs", "shape a_stride b_stride"),
    ("pad", "shape before after"),
    ("strided", "shape stride start"),
    ("transpose", "shape stride"),
    ("dense", "rows in_n out_n"),
    ("reduction", "rows channels"),
    ("resample", "outer in_n out_n inner taps"),
    ("take", "outer in_n out_n inner index"),
    ("dense row", "in_n out_n weights"),
    ("fir", "units taps"),
    ("shift", "rows n fresh"),
    ("copy", "rows n in_stride out_stride"),
    ("gather", "n rows run"),
    ("vectors", "rows n"),
    ("elements", "n"),
)
_BY_NAME = {
    "tms_dense_s8": "dense in fours", "tms_dense_s8_w4": "dense w4",
    "tms_dense_s8_z1": "dense sparse 1",
    "tms_dense_s8_z4": "dense sparse 4", "tms_lstm_f32": "lstm", "tms_gru_f32": "gru",
    "tms_rnn_f32": "rnn",
}  # fmt: skip


def form(name: str, fields: Sequence[str]) -> str | None:
    """Which of LOOPS a kernel without a window runs; None where nobody wrote them down."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    has = set(fields)
    return next((known for known, wanted in _FIELDS if has >= set(wanted.split())), None)


LOOPS: dict[str, Callable[[Params], Counts]] = {
    "matmul": _matmul, "choice": _choice, "pairs": _pairs, "pad": _pad, "strided": _strided,
    "transpose": _transpose, "dense": _dense, "dense in fours": _dense_in_fours(8),
    "dense w4": _dense_in_fours(4),
    "dense sparse 1": _dense_sparse(1), "dense sparse 4": _dense_sparse(4),
    "reduction": _reduction, "resample": _resample, "take": _take, "copy": _copy,
    "gather": _gather, "lstm": _recurrent(4, (0, 0, 0, 1, 2)), "gru": _recurrent(3, (0, 0, 1)),
    "rnn": _recurrent(1, (0,)), "vectors": _vectors, "elements": _elements,
    "scan": _scan, "fir": _fir, "shift": _shift, "dense row": _dense_row,
}  # fmt: skip
"""How often each piece of a kernel's C runs in one call, by the parameters of the call."""
