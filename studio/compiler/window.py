"""The sliding window of spatial kernels (tms_window in C), seen from numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.kernel import WINDOW, Array, Params


def window(
    in_shape: tuple[int, int, int],
    out_c: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    groups: int = 1,
) -> dict[str, int]:
    """The fields of tms_window; `pads` are (top, left, bottom, right) as in ONNX."""
    out_h, out_w = (
        (in_shape[axis] + pads[axis] + pads[axis + 2] - (kernel[axis] - 1) * dilation[axis] - 1)
        // stride[axis]
        + 1
        for axis in range(2)
    )
    values = (*in_shape, out_h, out_w, out_c, *kernel, *stride, *dilation, *pads[:2], groups)
    return dict(zip(WINDOW, values, strict=True))


def inside(p: Params) -> npt.NDArray[np.bool_]:
    """Which taps touch the tensor: [out_h, out_w, kernel_h, kernel_w]."""
    rows, columns = _rows(p), _columns(p)
    row_inside = (rows >= 0) & (rows < p["in_h"])
    column_inside = (columns >= 0) & (columns < p["in_w"])
    both: npt.NDArray[np.bool_] = row_inside[:, None, :, None] & column_inside[None, :, None, :]
    return both


def patches(p: Params, x: Array, outside: Any) -> Array:
    """What each tap sees: [out_h, out_w, kernel_h, kernel_w, in_c]; `outside` fills the padding."""
    rows = np.clip(_rows(p), 0, p["in_h"] - 1)
    columns = np.clip(_columns(p), 0, p["in_w"] - 1)
    seen = x[rows[:, None, :, None], columns[None, :, None, :]]
    return np.where(inside(p)[..., None], seen, x.dtype.type(outside))


def upsampled_window(
    in_shape: tuple[int, int, int],
    out_c: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    extra: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> dict[str, int]:
    """The fields of tms_window for a transposed convolution; `extra` is ONNX's output_padding."""
    out_h, out_w = (
        (in_shape[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        + extra[axis] - pads[axis] - pads[axis + 2]
        for axis in range(2)
    )  # fmt: skip
    values = (*in_shape, out_h, out_w, out_c, *kernel, *stride, *dilation, *pads[:2], groups)
    return dict(zip(WINDOW, values, strict=True))


def upsampled_patches(p: Params, x: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """What each tap of a transposed convolution sees, and whether it sees anything.

    Shapes [out_h, out_w, kernel_h, kernel_w, in_c], zeros where there is nothing, and without the
    channels.
    """
    sides = []
    for axis, pad in (("h", "pad_top"), ("w", "pad_left")):
        taps = np.arange(p[f"kernel_{axis}"]) * p[f"dilation_{axis}"]
        at = np.arange(p[f"out_{axis}"])[:, None] + p[pad] - taps
        from_, rest = np.divmod(at, p[f"stride_{axis}"])
        sides.append((from_, (rest == 0) & (from_ >= 0) & (from_ < p[f"in_{axis}"])))
    (rows, rows_there), (columns, columns_there) = sides
    there = rows_there[:, None, :, None] & columns_there[None, :, None, :]
    rows, columns = rows.clip(0, p["in_h"] - 1), columns.clip(0, p["in_w"] - 1)
    seen = x[rows[:, None, :, None], columns[None, :, None, :]]
    return np.where(there[..., None], seen, x.dtype.type(0)), there


def _rows(p: Params) -> npt.NDArray[np.int64]:
    first = np.arange(p["out_h"])[:, None] * p["stride_h"] - p["pad_top"]
    return np.asarray(first + np.arange(p["kernel_h"]) * p["dilation_h"], dtype=np.int64)


def _columns(p: Params) -> npt.NDArray[np.int64]:
    first = np.arange(p["out_w"])[:, None] * p["stride_w"] - p["pad_left"]
    return np.asarray(first + np.arange(p["kernel_w"]) * p["dilation_w"], dtype=np.int64)
