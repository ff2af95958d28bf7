"""Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, Transpose: the same bytes renamed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio.compiler.layout import Layout, axis_order, plain
from studio.compiler.operand import Const
from studio.compiler.operator import Operand, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_view(site: Site, lowering: Lowering) -> Operand:
    """The same row-major order of elements under another shape."""
    operand = site.inputs[0]
    if isinstance(operand, Const):
        return replace(operand, stored=operand.stored.reshape(site.shape))
    return site.tensor().reshaped(site.shape)


def lower_transpose(site: Site, lowering: Lowering) -> Operand:
    """A permutation of the names of axes; what is stored stays where it is."""
    operand = site.inputs[0]
    perm = tuple(site.attributes.get("perm") or reversed(range(len(site.shape))))
    if isinstance(operand, Const):
        axis = perm.index(operand.axis % len(perm)) if operand.scale is not None else 0
        return replace(operand, stored=operand.stored.transpose(perm), axis=axis)
    tensor = site.tensor()
    # The tensor's own axes, in the order in which they are stored, renamed by the permutation.
    by_axis = axis_order(tensor.shape, tensor.layout)
    if by_axis is None:
        tensor = lowering.laid_out(tensor, plain(tensor.shape))
        by_axis = tuple(range(len(perm)))
    renamed = tuple(perm.index(axis) for axis in by_axis)
    return replace(tensor, shape=site.shape, layout=Layout(site.shape, renamed))


OPERATORS = (
    Operator(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"), lower_view),
    Operator(("Transpose",), lower_transpose),
)
