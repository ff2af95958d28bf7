"""MEAN, SUM, REDUCE_MAX and their like, and ARG_MAX."""

from __future__ import annotations

import numpy as np

from studio.model.importers.tflite.operator import Site

REDUCTIONS = {
    "MEAN": "ReduceMean", "SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin", "REDUCE_PROD": "ReduceProd",
}  # fmt: skip


def reduce(site: Site) -> None:
    """A reduction over constant axes."""
    rank = len(site.tensor().shape)
    axes = site.axes(site.integers(1), rank)
    keep = bool(site.option("KeepDims", False))
    kept = [axis for axis in range(rank) if axis not in axes]
    first = site.prefers_first() and (keep or _in_order([site.axis_in(a, True) for a in kept]))
    if first:
        axes = tuple(site.axis_in(axis, True) for axis in axes)
    value = site.x(0, first)
    names = site.const(sorted(set(axes)), np.int64, "axes")
    out = site.emit(REDUCTIONS[site.kind], value, names, keepdims=int(keep), noop_with_empty_axes=1)
    site.done(out, first and keep)


def _in_order(axes: list[int]) -> bool:
    return axes == sorted(axes)


def arg_extreme(site: Site) -> None:
    """ArgMax or ArgMin; the result has the axis no more."""
    (axis,) = site.axes(site.integers(1), len(site.tensor().shape)) or (0,)
    op_type = "ArgMax" if site.kind == "ARG_MAX" else "ArgMin"
    out = site.emit(op_type, site.x(0), axis=axis, keepdims=0)
    if site.result().dtype == "int32":
        from onnx import TensorProto

        out = site.emit("Cast", out, to=TensorProto.INT32)
    site.done(out)


TRANSLATORS = {
    **dict.fromkeys(REDUCTIONS, reduce),
    "ARG_MAX": arg_extreme,
    "ARG_MIN": arg_extreme,
}
