"""ArgMax and ArgMin: where the largest or smallest value is, as int32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.compiler.layout import plain
from studio.compiler.operand import Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.reduce import as_rows

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_arg(site: Site, lowering: Lowering) -> Tensor:
    """The stored integers of a quantised tensor are in the order of its real values."""
    x = site.tensor()
    axis = int(site.attributes.get("axis", 0)) % len(x.shape)
    x, params = as_rows(lowering, x, (axis,))
    params["last"] = int(site.attributes.get("select_last_index", 0))
    out = lowering.result(site.output, site.shape, plain(site.shape), "int32")
    suffix = "f32" if x.quant is None else "s8"
    lowering.call(f"tms_{site.op_type.lower()}_{suffix}", (x,), out, params)
    return out


OPERATORS = (Operator(("ArgMax", "ArgMin"), lower_arg),)
