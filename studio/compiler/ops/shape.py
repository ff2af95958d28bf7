"""Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, Transpose: the same bytes renamed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio.compiler.layout import Layout
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import ANY_DTYPE, Operand, Operator, Site

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_view(site: Site, lowering: Lowering) -> Operand:
    """The same row-major order of elements under another shape."""
    training = site.optional(2) if site.op_type == "Dropout" else None
    if training is not None and (not isinstance(training, Const) or training.stored.any()):
        raise site.refused("it drops values, as in training", "export the model for inference")
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
    return permuted(lowering, site.tensor(), perm)


def permuted(lowering: Lowering, tensor: Tensor, perm: tuple[int, ...]) -> Tensor:
    """The tensor's own axes, in the order in which they are stored, under their new names."""
    tensor, by_axis = lowering.by_axis(tensor)
    shape = tuple(tensor.shape[axis] for axis in perm)
    renamed = tuple(perm.index(axis) for axis in by_axis)
    return replace(tensor, shape=shape, layout=Layout(shape, renamed))


OPERATORS = (
    Operator(
        ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"),
        lower_view,
        int16=True,
        dtypes=ANY_DTYPE,
    ),
    Operator(("Transpose",), lower_transpose, int16=True, dtypes=ANY_DTYPE),
)
