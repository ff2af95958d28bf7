"""How many instructions a Program takes, before it runs: a model per core and compiler.

The instructions of a kernel call are a sum of counts, each times a coefficient. A count says
how often a piece of the kernel's C runs for the geometry of the call: once a call, a row, a
place, a block of filters, a row of the window, and for each inner loop how often it is entered
and how many elements it sees. Compilers unroll and vectorise inner loops by 4, 8 or 16, so that a
loop over n elements has its own counts for n, for what is left over (n mod 4, 8, 16) and for
the blocks begun. The coefficients stand in `resources/costs/<toolchain>-<core>.json`; they
were fitted to a synthetic sweep of each kernel on a virtual board (`make cost-tables`), in
which no model that is later predicted had a part. They are instructions, not cycles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import Any

from studio.compiler.kernel import kernel_of
from studio.compiler.program import ROW_SOURCE, KernelCall, Program
from studio.errors import BuildError
from studio.targets.resources import resource

Params = Mapping[str, Any]
Counts = dict[str, float]

FILTERS = 4  # TMS_FILTERS: filters that share each load of the input
BLOCK = 16  # TMS_DEPTHWISE_BLOCK: channels whose sums stay on the stack
STEP_INSTRUCTIONS = 16  # of the loop that chooses the next row of a stage
_WIDTHS = (4, 8, 16)  # by which compilers unroll and vectorise


@dataclass(frozen=True, slots=True)
class KernelCost:
    """What one kernel takes.

    Attributes:
        coefficients: instructions of each count.
        error: the largest relative error on calls of the sweep that were left out of the fit.
        typical_error: its 90th percentile.
        calls: how many calls of the sweep there were.
    """

    coefficients: dict[str, float]
    error: float
    typical_error: float
    calls: int


@dataclass(frozen=True, slots=True)
class CostTable:
    """One compiler's instructions on one core.

    Attributes:
        toolchain: id of the toolchain.
        version: of the compiler that made the table.
        core: what was compiled for.
        measured_on: the virtual board that ran the sweep.
        kernels: by C name.
    """

    toolchain: str
    version: str
    core: str
    measured_on: str
    kernels: dict[str, KernelCost]

    def text(self) -> str:
        """The table as a file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def instructions(self, kernel: str, counts: Counts) -> float:
        """What the counts of one kernel cost.

        Raises:
            BuildError: the table lacks the kernel.
        """
        known = self.kernels.get(kernel)
        if known is None:
            raise BuildError(
                f"the table of instructions lacks {kernel}",
                f"{self.toolchain} {self.core}",
                "make the tables again: make cost-tables",
            )
        own = known.coefficients
        return sum(own.get(name, 0.0) * value for name, value in counts.items())


@cache
def cost_table(toolchain: str, core: str) -> CostTable:
    """The shipped table of a toolchain and core.

    Raises:
        BuildError: there is none.
    """
    try:
        path = resource(f"resources/costs/{toolchain}-{core}.json")
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError:
        raise BuildError(
            f"there is no table of instructions for {core}", toolchain, "choose another board"
        ) from None
    costs = {name: KernelCost(**cost) for name, cost in values.pop("kernels").items()}
    return CostTable(**values, kernels=costs)


def call_instructions(program: Program, table: CostTable) -> list[float | None]:
    """Instructions of each call of a Program, all its steps together; None where unknown.

    What the caller takes to bring the rows of a streamed input is his own and counts 0.
    """
    return [
        0.0
        if call.kernel == ROW_SOURCE
        else table.instructions(call.kernel, counts)
        if counts is not None and call.kernel in table.kernels
        else None
        for call, counts in zip(program.calls, program_counts(program), strict=True)
    ]


def stage_instructions(program: Program, table: CostTable) -> list[float | None]:
    """Instructions of each stage of a Program, what a board measures as a layer; or None."""
    calls = call_instructions(program, table)
    found: list[float | None] = []
    for stage in program.stages:
        known = [calls[index] for index in {step.call for step in stage}]
        extra = STEP_INSTRUCTIONS * len(stage) if len(stage) > 1 else 0
        found.append(None if None in known else sum(filter(None, known)) + extra)
    return found


@lru_cache(maxsize=64)
def program_counts(program: Program) -> tuple[Counts | None, ...]:
    """The counts of each call of a Program, all its steps together; None where unknown."""
    steps = [0] * len(program.calls)
    for stage in program.stages:
        for step in stage:
            steps[step.call] += 1
    return tuple(
        _in_steps(call, number, in_place(program, call)) if knows(call.kernel) else None
        for call, number in zip(program.calls, steps, strict=True)
    )


def _in_steps(call: KernelCall, steps: int, shared: bool) -> Counts:
    """A spatial kernel pays a call a step; the params of others are those of one step."""
    if kernel_of(call).window:
        return {**call_counts(call), "call": float(steps)}
    return {name: value * steps for name, value in call_counts(call, in_place=shared).items()}


def knows(kernel: str) -> bool:
    """True where somebody wrote down the loops of a kernel."""
    return kernel.removesuffix("_dr") in _LOOPS


def in_place(program: Program, call: KernelCall) -> bool:
    """True where an elementwise output shares bytes with an input: no vectorised loop then."""
    if not kernel_of(call).elementwise:
        return False
    out = call.outputs[0]
    start = program.offsets[out]
    end = start + program.buffers[out].size_bytes
    return any(
        program.offsets[i] < end and start < program.offsets[i] + program.buffers[i].size_bytes
        for i in call.inputs
        if isinstance(i, int)
    )


def call_counts(call: KernelCall, *, in_place: bool = False) -> Counts:
    """How often each piece of a kernel's C runs in one call.

    Raises:
        BuildError: nobody wrote down the loops of this kernel.
    """
    name = call.kernel.removesuffix("_dr")
    loops = _LOOPS.get(name)
    if loops is None:
        raise BuildError("the cost model does not know this kernel", call.kernel)
    params = dict(call.params)
    if call.rows is not None and kernel_of(call).window:
        params["out_h"] = call.rows
    counts = {"call": 1.0, **loops(params)}
    if in_place:
        counts = {f"{key} in place": value for key, value in counts.items()}
    return {key: float(value) for key, value in counts.items() if value}


# ---- the loops of each family ---------------------------------------------------------------


def _loop(name: str, runs: Sequence[tuple[float, int]]) -> Counts:
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


def _inside(start: int, dilation: int, taps: int, size: int) -> int:
    """Taps whose place lies in [0, size)."""
    return sum(0 <= start + k * dilation < size for k in range(taps))


def _window(p: Params) -> tuple[list[int], list[int]]:
    """Rows of the window inside at each output row, columns inside at each output column."""
    rows = [
        _inside(y * p["stride_h"] - p["pad_top"], p["dilation_h"], p["kernel_h"], p["in_h"])
        for y in range(p["out_h"])
    ]
    columns = [
        _inside(x * p["stride_w"] - p["pad_left"], p["dilation_w"], p["kernel_w"], p["in_w"])
        for x in range(p["out_w"])
    ]
    return rows, columns


def _places(p: Params) -> Counts:
    return {"row": p["out_h"], "place": p["out_h"] * p["out_w"]}


def _dots(name: str, times: float, lengths: Sequence[tuple[float, int]], filters: int) -> Counts:
    """tms_dots_s8 over `filters` filters: blocks of four, and the rest one by one."""
    blocks, rest = divmod(filters, FILTERS)
    return {
        f"{name} four": times * blocks,
        f"{name} rest": times * (rest > 0),
        **_loop(f"{name} four", [(t * blocks, n) for t, n in lengths]),
        **_loop(f"{name} one", [(t * rest, n) for t, n in lengths]),
    }


def _conv_s8(p: Params) -> Counts:
    rows, columns = _window(p)
    depth, filters = p["in_c"] // p["groups"], p["out_c"] // p["groups"]
    places, groups = len(rows) * len(columns), p["groups"]
    joined = p["dilation_w"] == 1 and groups == 1
    y = sum(rows) * groups
    runs = [(y, c * depth) if joined else (y * c, depth) for c in columns if c]
    entered = sum(rows) * len(columns) * groups
    return {
        **_places(p),
        "group": places * groups,
        "filter": places * p["out_c"],
        "block": places * groups * (filters // FILTERS),
        "last block": places * groups * (filters % FILTERS > 0),
        "window row": entered * -(-filters // FILTERS),
        **_dots("dots", sum(t for t, _ in runs), _merged(runs), filters),
    }


def _merged(runs: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    total: dict[int, float] = {}
    for times, n in runs:
        total[n] = total.get(n, 0.0) + times
    return [(times, n) for n, times in total.items()]


def _dense_s8(p: Params) -> Counts:
    filters = p["out_n"]
    return {
        "row": p["rows"],
        "filter": p["rows"] * filters,
        **_dots("dots", p["rows"], [(p["rows"], p["in_n"])], filters),
    }


def _depthwise_s8(p: Params) -> Counts:
    rows, columns = _window(p)
    one_each = p["out_c"] == p["in_c"]
    run = p["out_c"] if one_each else p["out_c"] // p["in_c"]
    starts = len(rows) * len(columns) * (p["out_c"] // run)
    taps = sum(rows) * sum(columns) * (p["out_c"] // run)
    blocks = [(float(run // BLOCK), BLOCK), (float(run % BLOCK > 0), run % BLOCK)]
    number = -(-run // BLOCK)
    kind = "tap" if one_each else "tap of several"
    return {
        **_places(p),
        "start": starts,
        "window row": sum(rows) * len(columns) * (p["out_c"] // run) * number,
        **_loop("sums", [(t * starts, n) for t, n in blocks]),
        **_loop(kind, [(t * taps, n) for t, n in blocks]),
    }


def _pool(p: Params) -> Counts:
    rows, columns = _window(p)
    channels = p["in_c"]
    return {
        **_places(p),
        "value": len(rows) * len(columns) * channels,
        "window row": sum(rows) * len(columns) * channels,
        **_loop("tap", _merged([(sum(rows) * channels, c) for c in columns])),
    }


def _conv_f32(p: Params) -> Counts:
    rows, columns = _window(p)
    depth = p["in_c"] // p["groups"]
    places = len(rows) * len(columns)
    return {
        **_places(p),
        "filter": places * p["out_c"],
        "window row": sum(rows) * len(columns) * p["out_c"],
        **_loop("tap", [(sum(rows) * sum(columns) * p["out_c"], depth)]),
    }


def _depthwise_f32(p: Params) -> Counts:
    rows, columns = _window(p)
    return {
        **_places(p),
        "value": len(rows) * len(columns) * p["out_c"],
        "window row": sum(rows) * len(columns) * p["out_c"],
        **_loop("tap", _merged([(sum(rows) * p["out_c"], c) for c in columns])),
    }


def _dense_f32(p: Params) -> Counts:
    outputs = p["rows"] * p["out_n"]
    return {"row": p["rows"], "filter": outputs, **_loop("product", [(outputs, p["in_n"])])}


def _elements(p: Params) -> Counts:
    return _loop("element", [(1, p["n"])])


def _binary(p: Params) -> Counts:
    i, j, k, n = p["shape"]
    steps = f"pair {p['a_stride'][3]}{p['b_stride'][3]}" if n > 1 else "pair"
    return {"axis 0": i, "axis 1": i * j, "axis 2": i * j * k, **_loop(steps, [(i * j * k, n)])}


def _transpose(p: Params) -> Counts:
    i, j, k, n = p["shape"]
    name = "run" if p["stride"][3] == 1 else "step"
    return {"axis 0": i, "axis 1": i * j, **_loop(name, [(i * j * k, n)])}


def _pad(p: Params) -> Counts:
    sizes = [b + n + a for b, n, a in zip(p["before"], p["shape"], p["after"], strict=True)]
    whole = sizes[0] * sizes[1] * sizes[2]
    within = p["shape"][0] * p["shape"][1] * p["shape"][2]
    n = sizes[3]
    return {
        "axis 1": sizes[0] * sizes[1],
        **_loop("inside", [(within, n)]),
        "moved": within * p["shape"][3],
        **_loop("outside", [(whole - within, n)]),
    }


def _copy(p: Params) -> Counts:
    return _loop("run", [(p["rows"], p["n"])])


def _channel(channels: int) -> str:
    return "channel" if channels > 1 else "only channel"  # neighbours in memory


def _mean(p: Params) -> Counts:
    return _loop(_channel(p["channels"]), [(p["channels"], p["rows"])])


def _softmax(p: Params) -> Counts:
    return _loop("vector", [(p["rows"], p["n"])])


def _cumsum(p: Params) -> Counts:
    runs = [(p["out_h"] * p["in_c"], p["in_w"])]
    return {"row": p["out_h"], **_loop(_channel(p["in_c"]), runs)}


def _scale(p: Params) -> Counts:
    return _loop("row", [(p["out_h"], p["out_w"] * p["out_c"])])


_LOOPS: dict[str, Callable[[Params], Counts]] = {
    "tms_conv2d_s8": _conv_s8, "tms_depthwise2d_s8": _depthwise_s8, "tms_dense_s8": _dense_s8,
    "tms_maxpool2d_s8": _pool, "tms_avgpool2d_s8": _pool, "tms_conv2d_f32": _conv_f32,
    "tms_depthwise2d_f32": _depthwise_f32, "tms_dense_f32": _dense_f32,
    "tms_maxpool2d_f32": _pool, "tms_avgpool2d_f32": _pool, "tms_add_s8": _binary,
    "tms_mul_s8": _binary, "tms_add_f32": _binary, "tms_mul_f32": _binary,
    "tms_lut_s8": _elements, "tms_sigmoid_f32": _elements, "tms_tanh_f32": _elements,
    "tms_clip_f32": _elements, "tms_quantize_f32_s8": _elements,
    "tms_dequantize_s8_f32": _elements, "tms_transpose_b8": _transpose,
    "tms_transpose_b32": _transpose, "tms_pad_b8": _pad, "tms_pad_b32": _pad,
    "tms_copy_b8": _copy, "tms_copy_b32": _copy, "tms_mean_s8": _mean, "tms_mean_f32": _mean,
    "tms_softmax_s8": _softmax, "tms_softmax_f32": _softmax, "tms_cumsum2d_s8": _cumsum,
    "tms_cumsum2d_f32": _cumsum, "tms_scale2d_s32_s8": _scale, "tms_scale2d_f32": _scale,
}  # fmt: skip
