"""Layers with int8 weights whose float activations become integers at run time, as in LiteRT.

The importer says so in the metadata of the node; onnxruntime, which cannot know, runs it in float.
The integers are kept in float32, where sums below 2^24 are exact, so that the kernels of float
activations and int8 weights serve. Behind them the sums are scaled and the bias is added in the
order that LiteRT has.
Formulas: EvalHybrid and EvalHybridPerChannel of TensorFlow Lite's kernels/conv.cc,
depthwise_conv.cc and fully_connected.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from studio.compiler import layout
from studio.compiler.broadcasting import pair_call
from studio.compiler.operand import Array, Const, Tensor
from studio.compiler.operator import Site
from studio.compiler.scaling import clamp_float

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

ACTIVATIONS = "tms.activations"
_NOTE = "its activations become integers at run time, as in LiteRT"


def is_hybrid(site: Site) -> bool:
    """Whether a site's float activations become integers."""
    return site.metadata.get(ACTIVATIONS) in ("symmetric", "asymmetric")


def hybrid(
    site: Site,
    lowering: Lowering,
    rows: int,
    weights: Const,
    scales: Array,
    bias: Array,
    product: Callable[[Site, Array], Tensor],
    depthwise: bool = False,
) -> Tensor:
    """Integers of the activations, their product with the weights, scales, bias and clip.

    Args:
        site: its first operand is float and lies as `product` reads it.
        lowering: takes the calls.
        rows: of the activations, each with a range of its own.
        weights: as the model has them.
        scales: of the weights, one for each output channel.
        bias: in a shape that broadcasts against the result.
        product: (site on the integers, without activation, and factors of each channel) -> sums.
        depthwise: whether the two scales are multiplied first, as LiteRT does there.
    """
    lowering.notes[site.name] = _NOTE
    single = weights.scale is not None and weights.scale.size == 1
    x = site.tensor()
    integers = lowering.result(f"{site.output}_integers", x.shape, x.layout, "float32")
    units = lowering.result(f"{site.output}_units", (rows, 1), layout.plain((rows, 1)), "float32")
    params = {
        "rows": rows,
        "n": math.prod(x.shape) // rows,
        "factor": float(scales[0]) if single else 1.0,
        "symmetric": int(site.metadata[ACTIVATIONS] == "symmetric"),
    }
    lowering.call("tms_dynamic_quantize_f32", (x,), (integers, units), params)
    if depthwise and not single:
        channels = replace(site, output=f"{site.output}_channels", shape=bias.shape)
        factors = Const("scales", scales.astype(np.float32).reshape(bias.shape))
        units = pair_call(
            channels, lowering, "tms_mul_f32", units, factors, clamp_float(None), None
        )
    on_integers = (integers, *site.inputs[1:])
    free = replace(site, inputs=on_integers, output=f"{site.output}_sums", clamp=None)
    exact = single or depthwise
    sums = product(free, np.ones(scales.size, np.float32) if exact else scales)
    scaled = replace(site, output=f"{site.output}_scaled", clamp=None)
    y = pair_call(scaled, lowering, "tms_mul_f32", sums, units, clamp_float(None), None)
    added = Const("bias", bias)
    return pair_call(site, lowering, "tms_add_f32", y, added, clamp_float(site.clamp), None)
