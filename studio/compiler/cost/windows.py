"""How often the loops of kernels with a window run.

"quotient bit": a core that cannot divide takes its time for each bit of a quotient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from studio.compiler.cost.loops import (
    FILTERS,
    Counts,
    Params,
    channel,
    dots,
    loop,
    segments,
    stored_blocks,
)

BLOCK = 16  # TMS_DEPTHWISE_BLOCK: channels whose sums stay on the stack
SPARSE_PLACES = 4  # TMS_SPARSE_PLACES: places that share each load of a weight


def _inside(start: int, dilation: int, taps: int, size: int) -> range:
    """Taps whose place lies in [0, size)."""
    first = min(taps, max(0, -(start // dilation)))
    return range(first, max(first, min(taps, -(-(size - start) // dilation))))


def _taps(p: Params) -> tuple[list[range], list[range]]:
    """Rows of the window inside at each output row, columns inside at each output column."""
    found = []
    for axis, pad in (("h", "pad_top"), ("w", "pad_left")):
        stride, dilation = p[f"stride_{axis}"], p[f"dilation_{axis}"]
        found.append(
            [
                _inside(i * stride - p[pad], dilation, p[f"kernel_{axis}"], p[f"in_{axis}"])
                for i in range(p[f"out_{axis}"])
            ]
        )
    return found[0], found[1]


def _window(p: Params) -> tuple[list[int], list[int]]:
    """How many rows and columns of the window are inside."""
    rows, columns = _taps(p)
    return [len(r) for r in rows], [len(c) for c in columns]


def _places(p: Params) -> Counts:
    return {"row": p["out_h"], "place": p["out_h"] * p["out_w"]}


def _merged(runs: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    total: dict[int, float] = {}
    for times, n in runs:
        total[n] = total.get(n, 0.0) + times
    return [(times, n) for n, times in total.items()]


def _conv_in_fours(bits: int) -> Callable[[Params], Counts]:
    def counts(p: Params) -> Counts:
        depth, filters = p["in_c"] // p["groups"], p["out_c"] // p["groups"]
        rows, columns = _taps(p)
        places, groups = len(rows) * len(columns), p["groups"]
        entered = sum(map(len, rows)) * len(columns) * groups
        return {
            **_places(p),
            "group": places * groups,
            "filter": places * p["out_c"],
            "block": places * groups * (filters // FILTERS),
            "last block": places * groups * (filters % FILTERS > 0),
            "window row": entered * -(-filters // FILTERS),
            **dots(_runs(p, rows, columns, depth), filters, bits),
        }

    return counts


def _runs(
    p: Params, rows: Sequence[range], columns: Sequence[range], depth: int
) -> list[tuple[float, int, int]]:
    """How often neighbouring weights are read: (times, the first one's place mod 2, how many)."""
    joined = p["dilation_w"] == 1 and p["groups"] == 1
    each = Counter(ky for r in rows for ky in r)
    found: Counter[tuple[int, int]] = Counter()
    for c, same in Counter(columns).items():
        taps = [(c.start, len(c) * depth)] if joined else [(kx, depth) for kx in c]
        for ky, times in each.items():
            for kx, n in taps if c else ():
                first = (ky * p["kernel_w"] + kx) * depth
                found[(first % 2, n)] += times * same * p["groups"]
    return [(float(times), first, n) for (first, n), times in found.items()]


def _conv(p: Params) -> Counts:
    rows, columns = _window(p)
    depth = p["in_c"] // p["groups"]
    places = len(rows) * len(columns)
    return {
        **_places(p),
        "filter": places * p["out_c"],
        "quotient bit": places * p["out_c"] * depth.bit_length(),
        "window row": sum(rows) * len(columns) * p["out_c"],
        **loop("tap", [(sum(rows) * sum(columns) * p["out_c"], depth)]),
    }


def _patches(p: Params, columns: Sequence[range]) -> dict[tuple[range, int], int]:
    """How many patches of a row there are by (columns inside, places that share them)."""
    found: dict[tuple[range, int], int] = {}
    x, ahead = 0, SPARSE_PLACES - 1
    while x < len(columns):
        shared = x + ahead < len(columns) and columns[x].start == 0
        together = shared and columns[x + ahead] == columns[x]
        patch = (columns[x], SPARSE_PLACES if together else 1)
        found[patch] = found.get(patch, 0) + 1
        x += patch[1]
    return found


def _conv_sparse(block: int) -> Callable[[Params], Counts]:
    def counts(p: Params) -> Counts:
        height, width, filters = p["kernel_h"], p["kernel_w"], p["out_c"]
        number = segments(p["in_c"], block)
        held = stored_blocks(p["weights"], filters * height * width, p["in_c"], block)
        blocks = held.reshape(filters, height, width).sum(axis=0)
        rows, columns = _taps(p)
        total: Counts = {**_places(p), "filter": p["out_h"] * p["out_w"] * filters}

        def add(key: str, value: float) -> None:
            total[key] = total.get(key, 0.0) + value

        patches = _patches(p, columns)
        for r in rows:
            for (c, places), times in patches.items():
                runs = times * filters * len(r) * len(c)
                outside = height * width - len(r) * len(c)
                within = blocks[r.start : r.stop, c.start : c.stop].sum()
                add(f"patch of {places}", times)
                add(f"filter of {places}", times * filters)
                add("window row", times * filters * len(r))
                add(f"tap of {places}", runs)
                add(f"segment of {places}", runs * number)
                add(f"block of {places} n", times * int(within))
                add("skipped", times * filters * outside * number)
                add("skips", times * filters * (len(r) * (c.start > 0) + (outside > 0)))
        return total

    return counts


def _conv_transpose(p: Params) -> Counts:
    height, width = p["kernel_h"], p["kernel_w"]
    depth = p["in_c"] // p["groups"]
    hits, tried = [], []
    for axis, pad in (("h", "pad_top"), ("w", "pad_left")):
        stride, dilation, size = p[f"stride_{axis}"], p[f"dilation_{axis}"], p[f"in_{axis}"]
        at = [
            i + p[pad] - k * dilation
            for i in range(p[f"out_{axis}"])
            for k in range(p[f"kernel_{axis}"])
        ]
        tried.append(sum(a >= 0 for a in at))
        hits.append(sum(a >= 0 and a % stride == 0 and a // stride < size for a in at))
    values = p["out_h"] * p["out_w"] * p["out_c"]
    return {
        **_places(p),
        "filter": values,
        "window row": values * height,
        "row tried": tried[0] * p["out_w"] * p["out_c"],
        "window place": values * height * width,
        "column tried": p["out_h"] * height * tried[1] * p["out_c"],
        **loop("tap", [(hits[0] * hits[1] * p["out_c"], depth)]),
    }


def _depthwise_blocks(bits: int) -> Callable[[Params], Counts]:
    def counts(p: Params) -> Counts:
        rows, columns = _window(p)
        one_each = p["out_c"] == p["in_c"]
        run = p["out_c"] if one_each else p["out_c"] // p["in_c"]
        starts = len(rows) * len(columns) * (p["out_c"] // run)
        taps = sum(rows) * sum(columns) * (p["out_c"] // run)
        blocks = [(float(run // BLOCK), BLOCK), (float(run % BLOCK > 0), run % BLOCK)]
        number = -(-run // BLOCK)
        pairs = 2 if one_each and bits == 4 else 1  # two weights in a byte
        return {
            **_places(p),
            "start": starts,
            "window row": sum(rows) * len(columns) * (p["out_c"] // run) * number,
            **loop("sums", [(t * starts, n) for t, n in blocks]),
            **loop(
                "tap" if one_each else "tap of several",
                [(t * taps, n // pairs) for t, n in blocks],
            ),
            "odd tap": taps * (run % pairs),
        }

    return counts


def _channel_windows(p: Params) -> Counts:
    """Each channel's window on its own: depthwise convolutions and pools."""
    rows, columns = _window(p)
    values = p["out_c"]
    return {
        **_places(p),
        "value": len(rows) * len(columns) * values,
        "window row": sum(rows) * len(columns) * values,
        **loop("tap", _merged([(sum(rows) * values, c) for c in columns])),
    }


def _depthwise(p: Params) -> Counts:
    filters = p["out_c"] // p["in_c"]
    bits = sum((o // filters).bit_length() for o in range(p["out_c"]))
    return {**_channel_windows(p), "quotient bit": p["out_h"] * p["out_w"] * bits}


def _pool(p: Params) -> Counts:
    rows, columns = _window(p)
    several = sum(r > 1 for r in rows) * len(columns) * p["out_c"]
    return {**_channel_windows(p), "value of several rows": several}


def _cumsum(p: Params) -> Counts:
    runs = [(p["out_h"] * p["in_c"], p["in_w"])]
    return {"row": p["out_h"], **loop(channel(p["in_c"]), runs)}


def _scale(p: Params) -> Counts:
    return loop("row", [(p["out_h"], p["out_w"] * p["out_c"])])


_BY_NAME: tuple[tuple[str, str], ...] = (
    ("tms_conv2d_s8_z1", "conv sparse 1"),
    ("tms_conv2d_s8_z4", "conv sparse 4"),
    ("tms_conv2d_s8_w4", "conv w4"),
    ("tms_conv2d_s8", "conv in fours"),
    ("tms_conv2d_", "conv"),
    ("tms_conv_transpose2d_", "conv transpose"),
    ("tms_depthwise2d_s8_w4", "depthwise w4"),
    ("tms_depthwise2d_s8", "depthwise blocks"),
    ("tms_depthwise2d_", "depthwise"),
    ("tms_maxpool2d_", "pool"),
    ("tms_avgpool2d_", "pool"),
    ("tms_cumsum2d_", "cumsum"),
    ("tms_scale2d_", "scale"),
)


def window_form(name: str) -> str | None:
    """Which of WINDOW_LOOPS a kernel with a window runs; None where nobody wrote them down."""
    return next((known for start, known in _BY_NAME if name.startswith(start)), None)


WINDOW_LOOPS: dict[str, Callable[[Params], Counts]] = {
    "conv in fours": _conv_in_fours(8), "conv w4": _conv_in_fours(4), "conv": _conv,
    "conv sparse 1": _conv_sparse(1), "conv sparse 4": _conv_sparse(4),
    "conv transpose": _conv_transpose, "depthwise blocks": _depthwise_blocks(8),
    "depthwise w4": _depthwise_blocks(4), "depthwise": _depthwise,
    "pool": _pool, "cumsum": _cumsum, "scale": _scale,
}  # fmt: skip
"""As LOOPS, for kernels with a window; out_h says for how many rows."""
