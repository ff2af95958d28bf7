"""LayerNormalization and InstanceNormalization, in float."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler.broadcasting import pair_call
from studio.compiler.layout import plain
from studio.compiler.operand import Array, Const, Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.scaling import clamp_float

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering


def lower_layer_norm(site: Site, lowering: Lowering) -> Tensor:
    """Vectors of all axes from `axis` on; only the first output."""
    site = lowering.in_float(site, "it has no form in integers")
    x = site.tensor()
    axis = int(site.attributes.get("axis", -1)) % len(x.shape)
    shape = x.shape[axis:]
    bias = np.zeros(shape, np.float32) if site.optional(2) is None else site.const(2).real
    factors = (np.broadcast_to(site.const(1).real, shape), np.broadcast_to(bias, shape))
    return _normalised(site, lowering, x, factors)


def _normalised(site: Site, lowering: Lowering, x: Tensor, factors: tuple[Array, Array]) -> Tensor:
    x = lowering.laid_out(x, plain(x.shape))
    scale, bias = factors
    n = scale.size
    out = lowering.output(site, plain(site.shape))
    params = {
        "rows": math.prod(x.shape) // n,
        "n": n,
        "epsilon": float(site.attributes.get("epsilon", 1e-5)),
        "scale": scale.reshape(-1),
        "bias": bias.reshape(-1),
    }
    lowering.call("tms_layer_norm_f32", (x,), out, params)
    return out


def lower_instance_norm(site: Site, lowering: Lowering) -> Tensor:
    """A vector for each channel, then one scale and one bias a channel."""
    site = lowering.in_float(site, "it has no form in integers")
    x = site.tensor()
    shape = x.shape[2:]
    plain_factors = (np.ones(shape, np.float32), np.zeros(shape, np.float32))
    y = _normalised(site, lowering, x, plain_factors)
    for index, kernel in ((1, "tms_mul_f32"), (2, "tms_add_f32")):
        factor = site.const(index)
        per_channel = Const(factor.name, factor.real.reshape(1, -1, *(1,) * len(shape)))
        step = replace(site, output=f"{site.output}_{index}")
        y = pair_call(step, lowering, kernel, y, per_channel, clamp_float(None), None)
    return y


OPERATORS = (
    Operator(("LayerNormalization",), lower_layer_norm),
    Operator(("InstanceNormalization",), lower_instance_norm),
)
