"""Softmax over one axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler.kernels import softmax_s16
from studio.compiler.kernels.softmax_s8 import softmax_factors
from studio.compiler.layout import Layout
from studio.compiler.operand import Quant, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.conv import same_integers

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

OUTPUT = Quant(
    1 / 256, -128
)  # probabilities from 0 to 255/256: the form that the int8 kernel gives
WIDE_OUTPUT = Quant(1 / 32768, 0, "int16")  # from 0 to 32767/32768
LONGEST = 8191  # values in a row, so that the int8 kernel's sum does not overflow


def lower_softmax(site: Site, lowering: Lowering) -> Tensor:
    """Rows of the softmax axis, innermost; int8 where operand and result are."""
    x = site.tensor()
    if not same_integers(x.quant, site.quant) or _order(site)[1] > LONGEST:
        site = lowering.in_float(site, "its result is not quantised, or its rows are long")
    x, lay, n = _rows(site, lowering)
    params: dict[str, Any] = {"rows": math.prod(x.shape) // n, "n": n}
    if x.quant is None or site.quant is None:
        out = lowering.output(site, lay)
        lowering.call("tms_softmax_f32", (x,), out, params)
        return out
    if x.quant.dtype == "int16":
        out = lowering.output(site, lay, WIDE_OUTPUT)
        real = np.float32 if lowering.options.rounding == "double" else np.float64
        tables = {"exp": softmax_s16.EXP, "inverse": softmax_s16.inverse_table(real)}
        params |= {**softmax_s16.softmax_factors(x.quant.scale), **tables}
        lowering.call("tms_softmax_s16", (x,), out, params)
    else:
        out = lowering.output(site, lay, OUTPUT)
        lowering.call("tms_softmax_s8", (x,), out, {**params, **softmax_factors(x.quant.scale)})
    return lowering.requantized(out, site.quant)


def _widens(x: Quant | None, y: Quant | None) -> bool:
    """From int8 to probabilities of 16 bits, whose scale files state as 1/65535 too."""
    if x is None or y is None or (x.dtype, y.dtype, y.zero_point) != ("int8", "int16", -32768):
        return False
    return abs(y.scale * 65536 - 1) < 1e-3


def widened(site: Site, lowering: Lowering) -> Tensor | None:
    """Softmax of int8 whose result has 16 bits."""
    if not _widens(site.tensor().quant, site.quant) or _order(site)[1] > LONGEST:
        return None
    x, lay, n = _rows(site, lowering)
    assert x.quant is not None
    out = lowering.output(site, lay, site.quant)
    params = {"rows": math.prod(x.shape) // n, "n": n, **softmax_factors(x.quant.scale)}
    lowering.call("tms_softmax_s8_s16", (x,), out, params)
    return out


def _order(site: Site) -> tuple[tuple[int, ...], int]:
    """The axes with those of a row last, and the length of a row."""
    shape = site.tensor().shape
    rank = len(shape)
    axis = int(site.attributes.get("axis", -1 if site.opset >= 13 else 1)) % rank
    if site.opset >= 13:
        return (*(other for other in range(rank) if other != axis), axis), shape[axis]
    return tuple(range(rank)), math.prod(shape[axis:])  # axis and all that follow are one


def _rows(site: Site, lowering: Lowering) -> tuple[Tensor, Layout, int]:
    """The operand in rows, its layout and the length of a row."""
    order, n = _order(site)
    lay = Layout(site.shape, order)
    return lowering.laid_out(site.tensor(), lay), lay, n


def lower_log_softmax(site: Site, lowering: Lowering) -> Tensor:
    """Rows of the softmax axis, innermost, in float."""
    site = lowering.in_float(site, "it has no form in integers")
    x, lay, n = _rows(site, lowering)
    out = lowering.output(site, lay)
    lowering.call("tms_log_softmax_f32", (x,), out, {"rows": math.prod(x.shape) // n, "n": n})
    return out


OPERATORS = (
    Operator(("Softmax",), lower_softmax, int16=True, special=widened),
    Operator(("LogSoftmax",), lower_log_softmax),
)
