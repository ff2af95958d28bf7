"""The synthetic sweep behind resources/costs: calls of each kernel over many geometries.

All calls read two inputs, bytes and normally distributed floats, and write what nobody reads;
no geometry is taken from a net. A call is small enough that many fit one image, and large enough
that a clock tick of 40 instructions does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from studio.compiler.fuse import whole
from studio.compiler.kernel import WINDOW, Kernel, kernels
from studio.compiler.program import Buffer, Constant, KernelCall, Options, Program
from studio.compiler.window import window

INPUT_BYTES = 16384
OUT_BYTES = 16384
CALLS = {"conv2d": 130, "depthwise2d": 90, "pool2d": 80}  # of each kernel
OTHER_CALLS = 50
WORK = (4_000, 60_000)  # inner steps of a call, roughly
CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20, 23, 24, 28, 32, 40, 48, 56, 64,
            80, 96, 100, 128)  # fmt: skip
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 20, 23, 24, 27, 31, 32, 40, 48, 50,
           63, 64, 75, 96, 100, 128, 144, 200, 256, 300, 400, 512, 576, 640, 800, 1024)  # fmt: skip
KERNEL_SIZES = ((1, 1), (1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (2, 2), (3, 1), (1, 5), (7, 1),
                (8, 3), (10, 4), (4, 4), (1, 3))  # fmt: skip
Rng = np.random.Generator


def draw(rng: Rng, kernel: Kernel) -> Iterator[tuple[dict[str, Any], bool]]:
    """Geometries of a kernel (parameters that differ from call to call), and whether in place."""
    make = _DRAWS[kernel.name.removesuffix("_dr")]
    wanted = next((n for word, n in CALLS.items() if word in kernel.name), OTHER_CALLS)
    found = 0
    while found < wanted:
        params = make(rng, kernel.name.endswith(("f32", "b32")))
        if params is not None:
            found += 1
            yield params, kernel.elementwise and found % 3 == 0


def program(wanted: list[Kernel], rng: Rng) -> Program:
    """One Program with the calls of many kernels."""
    buffers = [
        Buffer("x", (INPUT_BYTES,), "int8", "input"),
        Buffer("f", (INPUT_BYTES // 4,), "float32", "input"),
        Buffer("y", (4,), "int8", "output"),
    ]
    offsets = [0, INPUT_BYTES, 2 * INPUT_BYTES + OUT_BYTES]
    constants: dict[str, Constant] = {}
    calls = []
    for kernel in wanted:
        for params, shared in draw(rng, kernel):
            full = _full(kernel, params, constants, rng)
            source = 1 if kernel.name.endswith("f32") and "dequantize" not in kernel.name else 0
            if kernel.name == "tms_quantize_f32_s8":
                source = 1
            inputs = []
            for _ in range(2 if "b_stride" in params else 1):
                buffers.append(_buffer(full, kernel, "in"))
                offsets.append(2 * INPUT_BYTES if shared else offsets[source])
                inputs.append(len(buffers) - 1)
            buffers.append(_buffer(full, kernel, "out"))
            offsets.append(2 * INPUT_BYTES)
            rows = int(params["out_h"]) if kernel.window else None
            out = (len(buffers) - 1,)
            calls.append(KernelCall("", kernel.name, tuple(inputs), out, full, 0, None, rows))
    end = offsets[2] + 16
    return Program(
        name="costs",
        buffers=tuple(buffers),
        calls=tuple(calls),
        constants=constants,
        offsets=tuple(offsets),
        arena_bytes=end,
        bound_bytes=end,
        options=Options(rounding="single"),
        output_order=(2,),
        stages=tuple(whole(index, call) for index, call in enumerate(calls)),
    )


def _buffer(params: dict[str, Any], kernel: Kernel, side: str) -> Buffer:
    """A buffer that the call sees in the right type; its size sets the stride of rows."""
    example = kernel.examples(np.random.default_rng(0))[0]
    dtype = str(example.inputs[0].dtype) if side == "in" else example.out_dtype
    if kernel.window:
        shape = tuple(params[f"{side}_{axis}"] for axis in "hwc")
        if "cumsum" in kernel.name and side == "out":
            shape = (shape[0], 1, params["in_c"])
        return Buffer("b", shape, dtype)
    return Buffer("b", (INPUT_BYTES // np.dtype(dtype).itemsize,), dtype)


def _full(
    kernel: Kernel, params: dict[str, Any], constants: dict[str, Constant], rng: Rng
) -> dict[str, Any]:
    """All fields: the geometry, arrays that every call shares, and the kernel's own example."""
    full = dict(kernel.examples(np.random.default_rng(0))[0].params)
    for key, value in full.items():
        if isinstance(value, np.ndarray):
            size = 16384 if key == "weights" else 256 if key == "table" else 1024
            name = f"{key}_{value.dtype}"
            if name not in constants:
                constants[name] = Constant(name, _array(key, value, size, rng))
            full[key] = name
    full.update({key: 127 if key == "act_max" else full[key] for key in full})
    if kernel.name.endswith("f32"):
        full.update({key: 1e9 for key in full if key == "act_max"})
        full.update({key: -1e9 for key in full if key == "act_min"})
    return {**full, **params}


def _array(key: str, like: Any, size: int, rng: Rng) -> Any:
    if key == "multiplier":
        return rng.integers(1 << 30, (1 << 31) - 1, size).astype(like.dtype)
    if key == "shift":
        return rng.integers(-10, -5, size).astype(like.dtype)
    if like.dtype.kind == "f":
        return rng.normal(0, 0.1, size).astype(like.dtype)
    if key == "bias":
        return rng.integers(-5000, 5000, size).astype(like.dtype)
    return rng.integers(-127, 128, size).astype(like.dtype)


def _drawn_window(rng: Rng, wide: bool, *, pool: bool, groups: str) -> dict[str, int] | None:
    """A window whose input, output and weights fit, and whose work is neither little nor much."""
    kernel = KERNEL_SIZES[rng.integers(len(KERNEL_SIZES))]
    in_c = int(rng.choice(CHANNELS))
    out_c = int(rng.choice(CHANNELS))
    group = 1
    if groups == "each":
        group = in_c
        out_c = in_c if pool or rng.random() < 0.75 else in_c * int(rng.choice((2, 3, 4, 8)))
    elif rng.random() < 0.12 and in_c % 2 == 0 and out_c % 2 == 0:
        group = 2
    size = (int(rng.integers(1, 25)), int(rng.integers(1, 25)))
    same = rng.random() < 0.6
    dilation = (1, 1) if rng.random() < 0.92 else (2, 2)
    stride = (1, 1) if rng.random() < 0.65 else (2, 2) if rng.random() < 0.6 else kernel
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    pads = (reach[0] // 2, reach[1] // 2, -(-reach[0] // 2), -(-reach[1] // 2))
    if not same and min(size[0] - reach[0], size[1] - reach[1]) < 1:
        return None
    found = window((*size, in_c), out_c, kernel, stride=stride, dilation=dilation,
                   pads=pads if same else (0, 0, 0, 0), groups=group)  # fmt: skip
    width = 4 if wide else 1
    places = found["out_h"] * found["out_w"]
    weights = out_c * kernel[0] * kernel[1] * (in_c // group)
    work = places * weights // (2 if wide else 1)
    fits = size[0] * size[1] * in_c * width <= INPUT_BYTES and places * out_c * width <= OUT_BYTES
    return found if fits and weights <= 16384 and WORK[0] <= work <= 4 * WORK[1] else None


def _conv(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return _drawn_window(rng, wide, pool=False, groups="few")


def _depthwise(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return _drawn_window(rng, wide, pool=False, groups="each")


def _pool(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return _drawn_window(rng, wide, pool=True, groups="each")


def _dense(rng: Rng, wide: bool) -> dict[str, Any] | None:
    in_n, out_n = int(rng.choice(LENGTHS)), int(rng.choice(CHANNELS))
    rows = int(rng.choice((1, 1, 2, 3, 8, 20)))
    if in_n * out_n > 16384 or not WORK[0] <= rows * in_n * out_n <= WORK[1]:
        return None
    return {"rows": rows, "in_n": in_n, "out_n": out_n} if rows * in_n <= 4096 else None


def _elements(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return {"n": int(2 ** rng.uniform(7, 12))}


def _binary(rng: Rng, wide: bool) -> dict[str, Any] | None:
    n = int(rng.choice(LENGTHS))
    k = int(rng.choice((1, 2, 5, 9, 16)))
    j, i = int(rng.choice((1, 1, 2, 3))), int(rng.choice((1, 1, 2)))
    dense = (j * k * n, k * n, n, 1)
    kind = rng.integers(4)
    b = dense if kind < 2 else (0, 0, 0, 1) if kind == 2 else (0, 0, 0, 0)
    total = i * j * k * n
    return (
        {"shape": (i, j, k, n), "a_stride": dense, "b_stride": b} if 500 <= total <= 4096 else None
    )


def _mean(rng: Rng, wide: bool) -> dict[str, Any] | None:
    rows, channels = int(rng.choice(LENGTHS)), int(rng.choice(CHANNELS))
    return {"rows": rows, "channels": channels} if 500 <= rows * channels <= 4096 else None


def _softmax(rng: Rng, wide: bool) -> dict[str, Any] | None:
    n, rows = int(rng.choice(LENGTHS[1:24])), int(rng.choice((1, 2, 5, 16, 40)))
    return {"rows": rows, "n": n} if 8 <= rows * n <= 1024 else None


def _copy(rng: Rng, wide: bool) -> dict[str, Any] | None:
    n, rows = int(rng.choice(LENGTHS)), int(rng.choice((1, 5, 16, 50, 100)))
    if not 700 <= rows * n <= 3000:
        return None
    return {"rows": rows, "n": n, "in_stride": n, "out_stride": n + 3, "out_start": 2}


def _transpose(rng: Rng, wide: bool) -> dict[str, Any] | None:
    shape = tuple(int(rng.choice(LENGTHS[:20])) for _ in range(4))
    if not 700 <= math.prod(shape) <= 4096:
        return None
    strides = (shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1)
    order = rng.permutation(4) if rng.random() < 0.7 else [2, 0, 1, 3]
    return {"shape": tuple(shape[a] for a in order), "stride": tuple(strides[a] for a in order)}


def _pad(rng: Rng, wide: bool) -> dict[str, Any] | None:
    shape = (1, *(int(rng.choice(LENGTHS[:20])) for _ in range(3)))
    before, after = (tuple(int(v) for v in (0, *rng.integers(0, 3, 3))) for _ in range(2))
    total = math.prod(b + n + a for b, n, a in zip(before, shape, after, strict=True))
    return {"shape": shape, "before": before, "after": after} if 700 <= total <= 4096 else None


def _rows(rng: Rng, channels_only: bool) -> dict[str, Any] | None:
    height, width = int(rng.integers(1, 25)), 1 if channels_only else int(rng.integers(1, 25))
    channels = int(rng.choice(CHANNELS))
    if not (100 if channels_only else 500) <= height * width * channels <= 4096:
        return None
    found = window((height, width, channels), channels, (1, width if not channels_only else 1))
    return dict(zip(WINDOW, found.values(), strict=True))


def _cumsum(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return _rows(rng, channels_only=False)


def _scale(rng: Rng, wide: bool) -> dict[str, Any] | None:
    return _rows(rng, channels_only=True)


_DRAWS: dict[str, Callable[[Rng, bool], dict[str, Any] | None]] = {
    name: make
    for make, names in (
        (_conv, ("tms_conv2d_s8", "tms_conv2d_f32")),
        (_depthwise, ("tms_depthwise2d_s8", "tms_depthwise2d_f32")),
        (_pool, tuple(f"tms_{k}pool2d_{d}" for k in ("max", "avg") for d in ("s8", "f32"))),
        (_dense, ("tms_dense_s8", "tms_dense_f32")),
        (_elements, ("tms_lut_s8", "tms_sigmoid_f32", "tms_tanh_f32", "tms_clip_f32",
                     "tms_quantize_f32_s8", "tms_dequantize_s8_f32")),
        (_binary, ("tms_add_s8", "tms_mul_s8", "tms_add_f32", "tms_mul_f32")),
        (_mean, ("tms_mean_s8", "tms_mean_f32")),
        (_softmax, ("tms_softmax_s8", "tms_softmax_f32")),
        (_copy, ("tms_copy_b8", "tms_copy_b32")),
        (_transpose, ("tms_transpose_b8", "tms_transpose_b32")),
        (_pad, ("tms_pad_b8", "tms_pad_b32")),
        (_cumsum, ("tms_cumsum2d_s8", "tms_cumsum2d_f32")),
        (_scale, ("tms_scale2d_s32_s8", "tms_scale2d_f32")),
    )
    for name in names
}  # fmt: skip
assert set(_DRAWS) == {name.removesuffix("_dr") for name in kernels()}
