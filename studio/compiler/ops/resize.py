"""Resize: nearest by lists, linear and cubic by weighted sums, axis by axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler.layout import Layout
from studio.compiler.operand import Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site
from studio.compiler.ops.take import taken

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Real = npt.NDArray[np.float64]
ROUNDED: dict[str, Callable[[Real], Real]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def lower_resize(site: Site, lowering: Lowering) -> Tensor:
    """Only the axes whose size changes; nearest keeps integers."""
    mode = site.attributes.get("mode", "nearest")
    if mode != "nearest":
        site = lowering.in_float(site, f"its mode is {mode}")
    x = site.tensor()
    if mode != "nearest" and x.dtype != "float32":
        raise site.refused(f"mode {mode} of {x.dtype}", "convert it to float32 before")
    for axis, (scale, start, end) in sorted(_axes(site).items()):
        n, m = x.shape[axis], site.shape[axis]
        place = _places(site, n, m, scale, (start, end))
        if n == m and np.array_equal(place, np.arange(n)):
            continue
        name = f"{site.output}_{axis}"
        if mode == "nearest":
            rounded = ROUNDED[site.attributes.get("nearest_mode", "round_prefer_floor")](place)
            x = taken(lowering, x, name, axis, rounded.clip(0, n - 1).astype(np.int32))
        else:
            x = _summed(lowering, x, name, axis, _taps(site, mode, place, n, scale))
    return lowering.settled(x, site.quant)


def _axes(site: Site) -> dict[int, tuple[float, float, float]]:
    """For each axis that is named: its scale, and the part of it that is shown."""
    shape, rank = site.tensor().shape, len(site.shape)
    axes = [int(axis) % rank for axis in site.attributes.get("axes") or range(rank)]
    roi = site.const(1).real.reshape(-1).tolist() if site.optional(1) is not None else []
    if len(roi) != 2 * len(axes):
        roi = [0.0] * len(axes) + [1.0] * len(axes)
    given = site.const(2).real.reshape(-1) if site.optional(2) is not None else np.zeros(0)
    if given.size:
        scales = given.astype(np.float64).tolist()
    else:
        sizes = site.const(3).stored.reshape(-1)
        scales = [int(size) / shape[axis] for size, axis in zip(sizes, axes, strict=True)]
        policy = site.attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            scales = [min(scales) if policy == "not_larger" else max(scales)] * len(axes)
    ends = zip(roi[: len(axes)], roi[len(axes) :], strict=True)
    return {axis: (scale, *end) for axis, scale, end in zip(axes, scales, ends, strict=True)}


def _places(site: Site, n: int, m: int, scale: float, roi: tuple[float, float]) -> Real:
    """Where in the input each output place lies (ONNX: coordinate_transformation_mode)."""
    x = np.arange(m, dtype=np.float64)
    mode = site.attributes.get("coordinate_transformation_mode", "half_pixel")
    if mode == "half_pixel":
        return (x + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        offset = n / 2 * (1 - m / (scale * n))
        return offset + (x + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return (x + 0.5) / scale - 0.5 if m > 1 else np.zeros(1)
    if mode == "align_corners":
        if abs(scale * n - m) > 1e-6:
            raise site.refused("corners aligned to a fraction of an output", "give sizes")
        return x * (n - 1) / (m - 1) if m > 1 else np.zeros(1)
    if mode == "asymmetric":
        return x / scale
    if mode == "tf_half_pixel_for_nn":
        return (x + 0.5) / scale
    start, end = roi
    if mode != "tf_crop_and_resize" or min(start, end) < 0 or max(start, end) > 1:
        raise site.refused(f"coordinates '{mode}' beyond the tensor", "use half_pixel")
    if m == 1:
        return np.array([0.5 * (start + end) * (n - 1)])
    return start * (n - 1) + x * (end - start) * (n - 1) / (m - 1)


def _taps(site: Site, mode: str, place: Real, n: int, scale: float) -> tuple[Any, Real]:
    """Numbers and weights [m, taps] of the inputs that make each output."""
    reach = 1 if mode == "linear" else 2
    narrow = min(scale, 1.0) if site.attributes.get("antialias", 0) else 1.0
    first = math.floor(-reach / narrow) + 1
    steps = np.arange(first, 1 - first + 1)
    base = np.floor(place)
    away = (steps - (place - base)[:, None]) * narrow
    weights = _triangle(away) if mode == "linear" else _cubic(site, away)
    index = base[:, None] + steps
    if site.attributes.get("exclude_outside", 0):
        weights = np.where((index < 0) | (index >= n), 0, weights)
    weights = weights / weights.sum(axis=1, keepdims=True)
    used = np.abs(weights).max(axis=0) > 0
    return index[:, used].clip(0, n - 1).astype(np.int32), weights[:, used]


def _triangle(away: Real) -> Real:
    weights: Real = np.clip(1 - np.abs(away), 0, 1)
    return weights


def _cubic(site: Site, away: Real) -> Real:
    """Keys' kernel, a from the attribute."""
    a = float(site.attributes.get("cubic_coeff_a", -0.75))
    x = np.abs(away)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    weights: Real = np.where(x <= 1, near, np.where(x < 2, far, 0))
    return weights


def _summed(lowering: Lowering, x: Tensor, name: str, axis: int, taps: tuple[Any, Real]) -> Tensor:
    index, weights = taps
    x, order = lowering.by_axis(x)
    place = order.index(axis)
    sizes = [x.shape[other] for other in order]
    shape = (*x.shape[:axis], len(index), *x.shape[axis + 1 :])
    out = lowering.result(name, shape, Layout(shape, order), "float32")
    params = {
        "outer": math.prod(sizes[:place]),
        "in_n": sizes[place],
        "out_n": len(index),
        "inner": math.prod(sizes[place + 1 :]),
        "taps": index.shape[1],
        "index": index.reshape(-1),
        "weights": weights.astype(np.float32).reshape(-1),
    }
    lowering.call("tms_resample_f32", (x,), out, params)
    return out


OPERATORS = (Operator(("Resize",), lower_resize, int16=True, dtypes=ANY_DTYPE),)
