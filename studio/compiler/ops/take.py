"""Gather and ReverseSequence: parts in an order that is known, or rows by computed numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.builder import width_of
from studio.compiler.layout import Layout
from studio.compiler.operand import Array, Const, Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def taken(
    lowering: Lowering, x: Tensor, name: str, axis: int, index: npt.NDArray[np.int32]
) -> Tensor:
    """Out[.., j, ..] = x[.., index[j], ..] along an axis."""
    x, order = lowering.by_axis(x)
    place = order.index(axis)
    sizes = [x.shape[other] for other in order]
    shape = (*x.shape[:axis], index.size, *x.shape[axis + 1 :])
    out = lowering.result(name, shape, Layout(shape, order), x.dtype, x.quant)
    params = {
        "outer": math.prod(sizes[:place]),
        "in_n": sizes[place],
        "out_n": index.size,
        "inner": math.prod(sizes[place + 1 :]),
        "index": index.astype(np.int32),
    }
    lowering.call(f"tms_take_{width_of(x.dtype)}", (x,), out, params)
    return out


def lower_gather(site: Site, lowering: Lowering) -> Tensor:
    """Constant numbers along any axis, or computed ones along the first."""
    axis = int(site.attributes.get("axis", 0))
    if isinstance(site.inputs[1], Tensor):
        return _computed(site, lowering, site.inputs[1], axis)
    x = site.tensor()
    axis %= len(x.shape)
    index = site.const(1).stored.reshape(-1).astype(np.int64) % x.shape[axis]
    out = taken(lowering, x, site.output, axis, index.astype(np.int32))
    return lowering.settled(out.reshaped(site.shape), site.quant)


def _computed(site: Site, lowering: Lowering, index: Tensor, axis: int) -> Tensor:
    """Rows of a table by numbers that are known at run time only."""
    table = site.inputs[0]
    assert table is not None
    axis %= len(table.shape)
    if index.dtype != "int32":
        raise site.refused(f"numbers in {index.dtype}", "int32 or int64 is supported")
    index = lowering.laid_out(index, layout.plain(index.shape))
    source: Tensor | str
    if isinstance(table, Const):
        array: Array = np.moveaxis(table.real, axis, 0)
        rest, quant, dtype = array.shape[1:], None, "float32"
        source = lowering.constant(f"{site.name}_table", array.reshape(-1))
    elif axis:
        raise site.refused("computed numbers along an inner axis", "transpose the table before")
    else:
        source = lowering.laid_out(table, layout.plain(table.shape))
        rest, quant, dtype = table.shape[1:], table.quant, table.dtype
    # The numbers' axes stand first and go to their place by name only.
    shape = (*index.shape, *rest)
    n, moved = len(index.shape), len(rest)
    order = (*range(axis, axis + n), *(a for a in range(n + moved) if not axis <= a < axis + n))
    lay = Layout(site.shape, order)
    assert tuple(site.shape[a] for a in order) == shape
    out = lowering.result(site.output, site.shape, lay, dtype, quant)
    params = {
        "n": math.prod(index.shape),
        "rows": table.shape[axis],
        "run": math.prod(rest),
    }
    kernel = f"tms_gather_{width_of(out.dtype)}"
    lowering.call(kernel, (source, index), out, params)
    return lowering.settled(out, site.quant)


def lower_reverse(site: Site, lowering: Lowering) -> Tensor:
    """The first elements of each sequence backwards; lengths that are known now."""
    x = site.tensor()
    batch = int(site.attributes.get("batch_axis", 1))
    lengths = site.const(1).stored.astype(np.int64)
    times, rows = x.shape[1 - batch], x.shape[batch]
    index = np.arange(times)[:, None].repeat(rows, axis=1)
    index = np.where(index < lengths, lengths - 1 - index, index)
    if rows == 1:
        out = taken(lowering, x, site.output, 1 - batch, index.reshape(-1).astype(np.int32))
        return lowering.settled(out, site.quant)
    flat = index * rows + np.arange(rows) if batch else (index + np.arange(rows) * times).T
    x = lowering.laid_out(x, layout.plain(x.shape)).reshaped((times * rows, *x.shape[2:]))
    out = taken(lowering, x, site.output, 0, flat.reshape(-1).astype(np.int32))
    return lowering.settled(out.reshaped(site.shape), site.quant)


OPERATORS = (
    Operator(("Gather",), lower_gather, int16=True, dtypes=ANY_DTYPE),
    Operator(("ReverseSequence",), lower_reverse, int16=True, dtypes=ANY_DTYPE),
)
