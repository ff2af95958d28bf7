"""Geometries of the sweep behind resources/costs, drawn at random; none is taken from a net.

A call is small enough that many fit one image, and large enough that a clock tick of 40
instructions does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.compiler.kernel import WINDOW
from studio.compiler.kernels.scan_s8 import COLUMNS
from studio.compiler.sparse import encoded, fit
from studio.compiler.window import upsampled_window, window

INPUT_BYTES = 16384
OUT_BYTES = 16384
MOST_WEIGHTS = 16384  # that one call reads
CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20, 23, 24, 28, 32, 40, 48, 56, 64,
            80, 96, 100, 128)  # fmt: skip
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 20, 23, 24, 27, 31, 32, 40, 48, 50,
           63, 64, 75, 96, 100, 128, 144, 200, 256, 300, 400, 512, 576, 640, 800, 1024)  # fmt: skip
KERNEL_SIZES = ((1, 1), (1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (2, 2), (3, 1), (1, 5), (7, 1),
                (8, 3), (10, 4), (4, 4), (1, 3))  # fmt: skip
Rng = np.random.Generator
Drawn = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Draw:
    """How calls of a form are drawn.

    Attributes:
        make: (generator, bytes of an element) -> what the call's params differ in from those of
            an example, or None where the drawn numbers do not fit.
        calls: how many of each kernel.
    """

    make: Callable[[Rng, int], Drawn]
    calls: int


def _work(width: int) -> tuple[int, int]:
    """Inner steps of a call, roughly; float ones are many instructions without an FPU."""
    return (1_000, 10_000) if width == 4 else (2_000, 60_000)


def _one(rng: Rng, choices: tuple[int, ...]) -> int:
    return int(rng.choice(choices))


def _strides(rng: Rng, kernel: tuple[int, int]) -> tuple[int, int]:
    return (1, 1) if rng.random() < 0.65 else (2, 2) if rng.random() < 0.6 else kernel


def _fits(found: dict[str, Any], width: int, weights: int, most_work: float) -> bool:
    places = found["out_h"] * found["out_w"]
    work, (least, most) = places * weights, _work(width)
    in_bytes = found["in_h"] * found["in_w"] * found["in_c"] * width
    return (
        in_bytes <= INPUT_BYTES
        and 0 < places * found["out_c"] * width <= OUT_BYTES
        and weights <= MOST_WEIGHTS
        and least <= work <= most_work * most
    )


def _drawn_window(rng: Rng, width: int, *, pool: bool, groups: str) -> Drawn:
    """A window whose input, output and weights fit, and whose work is neither little nor much."""
    kernel = KERNEL_SIZES[rng.integers(len(KERNEL_SIZES))]
    in_c, out_c, group = _one(rng, CHANNELS), _one(rng, CHANNELS), 1
    if groups == "each":
        group = in_c
        out_c = in_c if pool or rng.random() < 0.75 else in_c * _one(rng, (2, 3, 4, 8))
    elif groups == "few" and rng.random() < 0.12 and in_c % 2 == 0 and out_c % 2 == 0:
        group = 2
    size = (int(rng.integers(1, 25)), int(rng.integers(1, 25)))
    same = rng.random() < 0.6
    dilation = (1, 1) if rng.random() < 0.92 else (2, 2)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    pads = (reach[0] // 2, reach[1] // 2, -(-reach[0] // 2), -(-reach[1] // 2))
    if not same and min(size[0] - reach[0], size[1] - reach[1]) < 1:
        return None
    found = window((*size, in_c), out_c, kernel, stride=_strides(rng, kernel), dilation=dilation,
                   pads=pads if same else (0, 0, 0, 0), groups=group)  # fmt: skip
    weights = out_c * kernel[0] * kernel[1] * (in_c // group)
    return found if _fits(found, width, weights, 2 if width == 4 else 4) else None


def _conv(rng: Rng, width: int) -> Drawn:
    return _drawn_window(rng, width, pool=False, groups="few")


def _depthwise(rng: Rng, width: int) -> Drawn:
    return _drawn_window(rng, width, pool=False, groups="each")


def _pool(rng: Rng, width: int) -> Drawn:
    return _drawn_window(rng, width, pool=True, groups="each")


def _conv_transpose(rng: Rng, width: int) -> Drawn:
    kernel = KERNEL_SIZES[rng.integers(len(KERNEL_SIZES))]
    in_c, out_c = _one(rng, CHANNELS), _one(rng, CHANNELS)
    size = (int(rng.integers(1, 13)), int(rng.integers(1, 13)))
    pads = (0, 0, 0, 0) if rng.random() < 0.5 else tuple(k // 2 for k in (*kernel, *kernel))
    found = upsampled_window((*size, in_c), out_c, kernel, stride=_strides(rng, kernel), pads=pads)
    if found["out_h"] < 1 or found["out_w"] < 1:
        return None
    weights = out_c * kernel[0] * kernel[1] * in_c
    return found if _fits(found, width, weights, 4) else None


def _stream(rng: Rng, filters: int, runs: int, depth: int, block: int) -> Drawn:
    """Sparse weights, between a tenth and nine tenths of them kept."""
    if depth % block or filters * runs * depth > MOST_WEIGHTS // 4:
        return None
    weights = rng.integers(1, 127, (filters, runs, depth))
    kept = rng.random((filters, runs, depth // block)) < rng.uniform(0.1, 0.9)
    thin = (weights * np.repeat(kept, block, axis=2)).astype(np.int8)
    return {"weights": encoded(thin, block)} if fit(thin, block) else None


def _conv_sparse(block: int) -> Callable[[Rng, int], Drawn]:
    def make(rng: Rng, width: int) -> Drawn:
        found = _drawn_window(rng, width, pool=False, groups="none")
        if found is None:
            return None
        taps = found["kernel_h"] * found["kernel_w"]
        stream = _stream(rng, found["out_c"], taps, found["in_c"], block)
        return stream and found | stream

    return make


def _dense(rng: Rng, width: int) -> Drawn:
    in_n, out_n, rows = _one(rng, LENGTHS), _one(rng, CHANNELS), _one(rng, (1, 1, 2, 3, 8, 20))
    least, most = _work(width)
    if in_n * out_n > MOST_WEIGHTS or not least <= rows * in_n * out_n <= most:
        return None
    fits = rows * max(in_n, out_n) <= 4096
    return {"rows": rows, "in_n": in_n, "out_n": out_n} if fits else None


def _dense_sparse(block: int) -> Callable[[Rng, int], Drawn]:
    def make(rng: Rng, width: int) -> Drawn:
        found = _dense(rng, width)
        stream = found and _stream(rng, found["out_n"], 1, found["in_n"], block)
        return found and stream and found | stream

    return make


def _matmul(rng: Rng, width: int) -> Drawn:
    m, k, n = (_one(rng, LENGTHS[:30]) for _ in range(3))
    batch = (_one(rng, (1, 1, 2)), _one(rng, (1, 2, 4)))
    least, most = _work(width)
    if max(m * k, k * n, m * n) * math.prod(batch) > 4096 or not (
        least <= math.prod(batch) * m * k * n <= most
    ):
        return None
    a = (k, 1) if rng.random() < 0.6 else (1, m)
    b = (n, 1) if rng.random() < 0.4 else (1, k)
    return {
        "batch": batch, "m": m, "k": k, "n": n,
        "a_stride": (batch[1] * m * k, m * k, *a), "b_stride": (batch[1] * k * n, k * n, *b),
    }  # fmt: skip


def _elements(rng: Rng, width: int) -> Drawn:
    return {"n": int(2 ** rng.uniform(7, 10 if width == 4 else 12))}


def _shape(rng: Rng, width: int) -> tuple[int, int, int, int]:
    while True:
        shape = (_one(rng, (1, 1, 2)), _one(rng, (1, 1, 2, 3)), _one(rng, (1, 2, 5, 9, 16)),
                 _one(rng, LENGTHS))  # fmt: skip
        if 500 <= math.prod(shape) <= (2048 if width == 4 else 4096):
            return shape


def _seen(rng: Rng, shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Strides of a whole tensor, or of one with a value a channel, or of a single value."""
    _, j, k, n = shape
    dense = (j * k * n, k * n, n, 1)
    return (dense, dense, (0, 0, 0, 1), (0, 0, 0, 0))[rng.integers(4)]


def _pairs(rng: Rng, width: int) -> Drawn:
    shape = _shape(rng, width)
    whole = (math.prod(shape[1:]), shape[2] * shape[3], shape[3], 1)
    kind = rng.random()
    a = whole if kind < 0.75 else (0, 0, 0, 0)
    b = whole if kind > 0.75 or kind < 0.3 else (0, 0, 0, int(kind < 0.45))
    return {"shape": shape, "a_stride": a, "b_stride": b}


def _choice(rng: Rng, width: int) -> Drawn:
    shape = _shape(rng, width)
    return {"shape": shape, **{f"{side}_stride": _seen(rng, shape) for side in "cab"}}


def _reduction(rng: Rng, width: int) -> Drawn:
    rows, channels = _one(rng, LENGTHS), _one(rng, CHANNELS)
    if rng.random() < 0.3:
        rows, channels = int(2 ** rng.uniform(9, 12)), 1
    return {"rows": rows, "channels": channels} if 500 <= rows * channels <= 4096 else None


def _vectors(rng: Rng, width: int) -> Drawn:
    n, rows = _one(rng, LENGTHS[1:24]), _one(rng, (1, 2, 5, 16, 40))
    return {"rows": rows, "n": n} if 8 <= rows * n <= 1024 else None


def _copy(rng: Rng, width: int) -> Drawn:
    n, rows = _one(rng, LENGTHS), _one(rng, (1, 5, 16, 50, 100))
    if not 700 <= rows * n <= 3000:
        return None
    return {"rows": rows, "n": n, "in_stride": n, "out_stride": n + 3, "out_start": 2}


def _gather(rng: Rng, width: int) -> Drawn:
    run, n = _one(rng, LENGTHS), _one(rng, (1, 5, 16, 50, 100, 400))
    return {"rows": 2048 // run, "run": run, "n": n} if 500 <= run * n <= 3000 else None


def _take(rng: Rng, width: int) -> Drawn:
    outer, out_n, inner = _one(rng, (1, 1, 3, 20)), _one(rng, LENGTHS), _one(rng, LENGTHS)
    in_n = min(10, 2048 // (outer * inner))
    if in_n < 1 or not 500 <= outer * out_n * inner <= 3000:
        return None
    index = rng.integers(0, in_n, out_n).astype(np.int32)
    return {"outer": outer, "in_n": in_n, "out_n": out_n, "inner": inner, "index": index}


def _resample(rng: Rng, width: int) -> Drawn:
    taps = _one(rng, (2, 2, 4, 3, 7))
    found = _take(rng, width)
    if found is None or found["outer"] * found["out_n"] * found["inner"] * taps > 5000:
        return None
    index = rng.integers(0, found["in_n"], found["out_n"] * taps).astype(np.int32)
    return {**found, "taps": taps, "index": index}


def _transpose(rng: Rng, width: int) -> Drawn:
    shape = tuple(_one(rng, LENGTHS[:20]) for _ in range(4))
    if not 700 <= math.prod(shape) <= 4096:
        return None
    strides = (shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1)
    order = rng.permutation(4) if rng.random() < 0.7 else [2, 0, 1, 3]
    return {"shape": tuple(shape[a] for a in order), "stride": tuple(strides[a] for a in order)}


def _strided(rng: Rng, width: int) -> Drawn:
    """A transposition, or a slice of the innermost axes."""
    shape = tuple(_one(rng, (1, 1, 1, 2, 3)) for _ in range(3))
    shape += tuple(_one(rng, LENGTHS[:20]) for _ in range(3))
    if not 500 <= math.prod(shape) <= 2048:
        return None
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(6))
    if rng.random() < 0.5:
        return {"shape": shape, "stride": (*strides[:5], 1 if rng.random() < 0.6 else 2)}
    order = rng.permutation(6)
    return {"shape": tuple(shape[a] for a in order), "stride": tuple(strides[a] for a in order)}


def _pad(rng: Rng, width: int) -> Drawn:
    shape = (1, *(_one(rng, LENGTHS[:20]) for _ in range(3)))
    before, after = (tuple(int(v) for v in (0, *rng.integers(0, 3, 3))) for _ in range(2))
    total = math.prod(b + n + a for b, n, a in zip(before, shape, after, strict=True))
    return {"shape": shape, "before": before, "after": after} if 700 <= total <= 4096 else None


def _recurrent(gates: int) -> Callable[[Rng, int], Drawn]:
    def make(rng: Rng, width: int) -> Drawn:
        steps, hidden, in_n = (
            int(rng.integers(1, 13)),
            _one(rng, CHANNELS[:22]),
            _one(rng, CHANNELS),
        )
        if not 1_000 <= gates * steps * hidden * (in_n + hidden) <= 24_000 or in_n * steps > 2048:
            return None
        usual = rng.random() < 0.7
        kinds = (0, 1, 1) if usual else tuple(int(v) for v in rng.integers(0, 5, 3))
        return {
            "steps": steps, "batch": 1, "in_n": in_n, "hidden": hidden, "direction": 0,
            "directions": 1, "reverse": int(rng.integers(2)), "whole": int(rng.integers(2)),
            "peeps": int(rng.random() < 0.2), "variant": int(rng.random() < 0.4),
            "activation": kinds, "clip": 1e9, "lengths": np.array([steps], np.int32),
        }  # fmt: skip

    return make


def _fir(rng: Rng, width: int) -> Drawn:
    units, taps = _one(rng, CHANNELS), _one(rng, LENGTHS)
    return {"units": units, "taps": taps} if 500 <= units * taps <= 4096 else None


def _shift(rng: Rng, width: int) -> Drawn:
    rows, n = _one(rng, CHANNELS), _one(rng, LENGTHS)
    if not 500 <= rows * n <= 4096:
        return None
    return {"rows": rows, "n": n, "fresh": min(n, _one(rng, (1, 1, 2, 4, 40)))}


def _dense_row(rng: Rng, width: int) -> Drawn:
    found = _dense(rng, width)
    return {"in_n": found["in_n"], "out_n": found["out_n"]} if found else None


def _scan(rng: Rng, width: int) -> Drawn:
    steps, n, in_n = int(rng.integers(1, 13)), _one(rng, CHANNELS[:22]), _one(rng, CHANNELS)
    fits = 1_000 <= steps * n * (in_n + n) <= 24_000 and in_n * steps <= 4096
    if not fits:
        return None
    repeats = rng.integers(0, 5, 16)  # of each operation, so that each has its own share
    return {"steps": steps, "n": n, "in_n": in_n, "whole": int(rng.integers(2)), "repeats": repeats}


def resized_scan(example: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """The cell of an example (which is as large as its first state) with vectors of n elements."""
    n, old, old_in = drawn["n"], example["state_n"][0], example["in_n"]
    table = example["operations"].reshape(-1, len(COLUMNS)).copy()
    for row in table:
        op = dict(zip(COLUMNS, map(int, row), strict=True))
        moved = {key: op[key] // old * n for key in ("n", "out", "a", "factor")}
        moved["b"] = op["b"] // old * n if op["b"] >= 0 else op["b"]
        moved["in_n"] = (drawn["in_n"], n)[op["kind"]] if op["kind"] < 2 else 0
        moved["weights"] = n * drawn["in_n"] if op["weights"] == old * old_in else 0
        row[:] = [{**op, **moved}[column] for column in COLUMNS]
    table = np.repeat(table, drawn["repeats"][: len(table)], axis=0)
    places = {key: tuple(v // old * n for v in example[key]) for key in ("state_at", "after_at")}
    return {
        **example, **places, "operations": table, "operations_n": len(table),
        "steps": drawn["steps"], "in_n": drawn["in_n"], "whole": drawn["whole"],
        "values": example["values"] // old * n, "state_n": (n, n),
        "out_at": example["out_at"] // old * n, "out_n": n,
    }  # fmt: skip


def _rows(rng: Rng, channels_only: bool) -> Drawn:
    height, width = int(rng.integers(1, 25)), 1 if channels_only else int(rng.integers(1, 25))
    channels = _one(rng, CHANNELS)
    if not (100 if channels_only else 500) <= height * width * channels <= 4096:
        return None
    found = window((height, width, channels), channels, (1, width if not channels_only else 1))
    return dict(zip(WINDOW, found.values(), strict=True))


def _cumsum(rng: Rng, width: int) -> Drawn:
    return _rows(rng, channels_only=False)


def _scale(rng: Rng, width: int) -> Drawn:
    return _rows(rng, channels_only=True)


DRAWS: dict[str, Draw] = {
    "conv in fours": Draw(_conv, 130), "conv": Draw(_conv, 90),
    "conv sparse 1": Draw(_conv_sparse(1), 90), "conv sparse 4": Draw(_conv_sparse(4), 90),
    "conv transpose": Draw(_conv_transpose, 60), "depthwise blocks": Draw(_depthwise, 90),
    "depthwise w4": Draw(_depthwise, 90), "conv w4": Draw(_conv, 130), "dense w4": Draw(_dense, 60),
    "depthwise": Draw(_depthwise, 70), "pool": Draw(_pool, 70), "cumsum": Draw(_cumsum, 40),
    "scale": Draw(_scale, 40), "dense in fours": Draw(_dense, 60), "dense": Draw(_dense, 50),
    "dense sparse 1": Draw(_dense_sparse(1), 50), "dense sparse 4": Draw(_dense_sparse(4), 50),
    "matmul": Draw(_matmul, 100), "lstm": Draw(_recurrent(4), 50), "gru": Draw(_recurrent(3), 50),
    "rnn": Draw(_recurrent(1), 50), "elements": Draw(_elements, 24), "pairs": Draw(_pairs, 60),
    "choice": Draw(_choice, 40), "reduction": Draw(_reduction, 50), "vectors": Draw(_vectors, 40),
    "copy": Draw(_copy, 40), "gather": Draw(_gather, 40), "take": Draw(_take, 40),
    "resample": Draw(_resample, 40), "transpose": Draw(_transpose, 60),
    "strided": Draw(_strided, 60), "pad": Draw(_pad, 40),
    "scan": Draw(_scan, 60), "fir": Draw(_fir, 40), "shift": Draw(_shift, 80),
    "dense row": Draw(_dense_row, 50),
}  # fmt: skip
"""By the forms of studio/compiler/cost."""
