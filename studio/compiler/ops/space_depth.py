"""DepthToSpace and SpaceToDepth: a transposition over six axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.compiler.operand import Tensor
from studio.compiler.operator import ANY_DTYPE, Operator, Site
from studio.compiler.ops.shape import permuted

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_depth_to_space(site: Site, lowering: Lowering) -> Tensor:
    """Blocks of channels to blocks of places."""
    x = site.tensor()
    n, c, h, w = x.shape
    block = int(site.attributes["blocksize"])
    depth = c // block**2
    if site.attributes.get("mode", "DCR") == "DCR":
        whole = x.reshaped((n, block, block, depth, h, w))
        perm = (0, 3, 4, 1, 5, 2)
    else:
        whole = x.reshaped((n, depth, block, block, h, w))
        perm = (0, 1, 4, 2, 5, 3)
    return permuted(lowering, whole, perm).reshaped(site.shape)


def lower_space_to_depth(site: Site, lowering: Lowering) -> Tensor:
    """Blocks of places to blocks of channels."""
    x = site.tensor()
    n, c, h, w = x.shape
    block = int(site.attributes["blocksize"])
    whole = x.reshaped((n, c, h // block, block, w // block, block))
    perm = (0, 1, 3, 5, 2, 4) if site.attributes.get("mode") == "CRD" else (0, 3, 5, 1, 2, 4)
    return permuted(lowering, whole, perm).reshaped(site.shape)


OPERATORS = (
    Operator(("DepthToSpace",), lower_depth_to_space, int16=True, dtypes=ANY_DTYPE),
    Operator(("SpaceToDepth",), lower_space_to_depth, int16=True, dtypes=ANY_DTYPE),
)
