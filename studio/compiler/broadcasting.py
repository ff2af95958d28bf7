"""Calls of kernels that walk broadcast operands by strides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler.layout import Layout, Shape, axis_order, row_major
from studio.compiler.operand import Array, Const, Quant, Tensor
from studio.compiler.operator import Operand, Site

if TYPE_CHECKING:
    from studio.compiler.builder import Builder

AXES = 4  # that the kernels walk


def pair_call(
    site: Site,
    lowering: Builder,
    kernel: str,
    a: Operand,
    b: Operand,
    params: dict[str, Any],
    quant: Quant | None,
    dtype: str = "float32",
) -> Tensor:
    """Lay two operands out alike, one of them a constant at most, and call a kernel on them."""
    return strided_call(site, lowering, kernel, {"a": a, "b": b}, params, quant, dtype)


def strided_call(
    site: Site,
    lowering: Builder,
    kernel: str,
    operands: Mapping[str, Operand],
    params: dict[str, Any],
    quant: Quant | None,
    dtype: str,
) -> Tensor:
    """Lay operands out alike and call a kernel that has `<name>_stride` for each."""
    lay, placed = _arranged(
        site, lowering, tuple(_of_rank(x, site.shape) for x in operands.values())
    )
    whole = tuple(lay.view[axis] for axis in lay.order)
    shape, strides = merged(whole, [_strides(sizes) for _, sizes in placed])
    if len(shape) > AXES:
        raise site.refused(f"broadcasting over {len(shape)} axes", "expand an operand before")
    lead = AXES - len(shape)
    walk = {"shape": (1,) * lead + shape}
    for name, steps in zip(operands, strides, strict=True):
        walk[f"{name}_stride"] = (0,) * lead + steps
    sources = [
        x if isinstance(x, Tensor) else lowering.constant(f"{site.name}_operand", x)
        for x, _ in placed
    ]
    out = lowering.output(site, lay, quant, dtype)
    lowering.call(kernel, sources, out, {**walk, **params})
    return out


def merged(shape: Shape, strides: list[Shape]) -> tuple[Shape, list[Shape]]:
    """The fewest axes that walk the same elements: sizes of 1 go, neighbours that join do."""
    axes: list[list[int]] = []  # size, then a step for each operand
    for size, *steps in zip(shape, *strides, strict=True):
        if size == 1:
            continue
        if axes and all(
            before == step * size for before, step in zip(axes[-1][1:], steps, strict=True)
        ):
            axes[-1] = [axes[-1][0] * size, *steps]
        else:
            axes.append([size, *steps])
    columns = [tuple(column) for column in zip(*axes, strict=True)] or [()] * (1 + len(strides))
    return columns[0], columns[1:]


def _of_rank(x: Operand, shape: Shape) -> Operand:
    full = (1,) * (len(shape) - len(x.shape)) + x.shape
    return x.reshaped(full) if isinstance(x, Tensor) else Const(x.name, x.stored.reshape(full))


def _arranged(
    site: Site, lowering: Builder, operands: tuple[Operand, ...]
) -> tuple[Layout, list[tuple[Tensor | Array, Shape]]]:
    """The result's layout and, for each operand, what is read and its size along stored axes."""
    tensors = [x for x in operands if isinstance(x, Tensor)]
    base = max(tensors, key=lambda tensor: math.prod(tensor.shape))
    whole = tuple(base.layout.view[axis] for axis in base.layout.order)
    if all(x.shape == site.shape for x in tensors) and len(tensors) == len(operands):
        return base.layout, [(lowering.laid_out(x, base.layout), whole) for x in tensors]
    in_pieces = axis_order(base.layout, base.shape) is None
    if in_pieces and base.shape == site.shape and len(tensors) == 1:
        return base.layout, [_cut(x, base, whole) for x in operands]
    _, order = lowering.by_axis(base)
    placed: list[tuple[Tensor | Array, Shape]] = []
    for x in operands:
        if isinstance(x, Tensor):
            laid = lowering.laid_out(x, Layout(x.shape, order))
            placed.append((laid, tuple(x.shape[axis] for axis in order)))
        else:
            array = _collapsed(x.stored.transpose(order))
            placed.append((array.reshape(-1), array.shape))
    return Layout(site.shape, order), placed


def _cut(x: Operand, base: Tensor, whole: Shape) -> tuple[Tensor | Array, Shape]:
    if isinstance(x, Tensor):
        return x, whole
    full = np.broadcast_to(x.stored, base.shape).reshape(base.layout.view)
    array = _collapsed(full.transpose(base.layout.order))
    return array.reshape(-1), array.shape


def _collapsed(array: Array) -> Array:
    """Without the repetitions along axes in which nothing changes."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        if array.shape[axis] > 1 and (array == first).all():
            array = first
    return array


def _strides(sizes: Shape) -> Shape:
    steps = row_major(sizes)
    return tuple(0 if size == 1 else step for size, step in zip(sizes, steps, strict=True))
