"""The product of two batches of matrices, either of them computed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler.broadcasting import merged
from studio.compiler.builder import SUFFIX
from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.layout import Shape, plain, row_major
from studio.compiler.operand import Const, Quant, Tensor
from studio.compiler.operator import Operand, Site
from studio.compiler.ops.conv import same_integers
from studio.compiler.scaling import clamp_float, clamp_integer

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

BATCH_AXES = 2  # that the kernels walk


def product(site: Site, lowering: Lowering, a: Operand, b: Operand) -> Tensor:
    """A [.., m, k] times b [.., k, n] with broadcast batches; vectors as numpy takes them."""
    if len(a.shape) == 1:
        a = _reshaped(a, (1, *a.shape))
    if len(b.shape) == 1:
        b = _reshaped(b, (*b.shape, 1))
    if site.quant is not None:
        sides = _quantized(a, site.quant), _quantized(b, site.quant)
        if sides[0] is not None and sides[1] is not None:
            return _integer(site, lowering, sides[0], sides[1], site.quant)
    site = replace(site, inputs=(a, b))
    a, b = (x for x in lowering.in_float(site, "an operand has no integer form").inputs if x)
    a, b = (Const(x.name, x.real) if isinstance(x, Const) else x for x in (a, b))
    return _call(
        replace(site, quant=None), lowering, "tms_matmul_f32", a, b, clamp_float(site.clamp)
    )


def _integer(
    site: Site,
    lowering: Lowering,
    a: tuple[Operand, Quant],
    b: tuple[Operand, Quant],
    quant: Quant,
) -> Tensor:
    multiplier, shift = quantize_multiplier(a[1].scale * b[1].scale / quant.scale)
    offsets = {
        "a_offset": -a[1].zero_point,
        "b_offset": -b[1].zero_point,
        "out_offset": quant.zero_point,
    }
    params = {
        **(offsets if quant.dtype == "int8" else {}),
        **clamp_integer(site.clamp, quant),
        "multiplier": multiplier,
        "shift": shift,
    }
    return _call(site, lowering, f"tms_matmul_{SUFFIX[quant.dtype]}", a[0], b[0], params)


def _quantized(x: Operand, out: Quant) -> tuple[Operand, Quant] | None:
    """An operand in the result's type and its scale; None where it has none or several."""
    if isinstance(x, Tensor):
        return (x, x.quant) if x.quant is not None and same_integers(x.quant, out) else None
    stored = x.centred()
    if stored is None or x.scale is None or x.scale.size != 1:
        return None
    quant = Quant(float(x.scale.reshape(-1)[0]), 0, out.dtype)
    return Const(x.name, stored.astype(out.dtype)), quant


def _reshaped(x: Operand, shape: Shape) -> Operand:
    return (
        x.reshaped(shape) if isinstance(x, Tensor) else replace(x, stored=x.stored.reshape(shape))
    )


def _call(
    site: Site, lowering: Lowering, kernel: str, a: Operand, b: Operand, params: dict[str, Any]
) -> Tensor:
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    (a_source, a_steps), (b_source, b_steps) = (
        _steps(site, lowering, x, len(batch) + 2) for x in (a, b)
    )
    walked, (a_batch, b_batch) = merged(batch, [a_steps[:-2], b_steps[:-2]])
    if len(walked) > BATCH_AXES:
        raise site.refused(f"a batch of {len(walked)} axes", "reshape it to fewer")
    lead = BATCH_AXES - len(walked)
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    params = {
        "batch": (1,) * lead + walked,
        "m": m,
        "k": k,
        "n": n,
        "a_stride": (0,) * lead + a_batch + a_steps[-2:],
        "b_stride": (0,) * lead + b_batch + b_steps[-2:],
        **params,
    }
    out = lowering.output(site, plain(site.shape), site.quant)
    lowering.call(kernel, (a_source, b_source), out, params, math.prod(batch) * m * n * k)
    return out


def _steps(
    site: Site, lowering: Lowering, x: Operand, rank: int
) -> tuple[Tensor | str, tuple[int, ...]]:
    """What is read, and the step of each axis in it; 0 where the batch is broadcast."""
    x = _reshaped(x, (1,) * (rank - len(x.shape)) + x.shape)
    source: Tensor | str
    if isinstance(x, Const):
        source = lowering.constant(f"{site.name}_operand", x.stored.reshape(-1))
        order: tuple[int, ...] = tuple(range(rank))
    else:
        source, order = lowering.by_axis(x)
    step_of = dict(zip(order, row_major(tuple(x.shape[axis] for axis in order)), strict=True))
    return source, tuple(0 if x.shape[axis] == 1 else step_of[axis] for axis in range(rank))
