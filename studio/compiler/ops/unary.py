"""Functions of one value: a table in int8, straight lines in int16, a kernel each in float."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import float_math
from studio.compiler.fixed_point import rescale_double
from studio.compiler.kernels.leaky_relu_s16 import bent, leaky_factors
from studio.compiler.kernels.lut_s16 import table_of
from studio.compiler.kernels.sigmoid_s16 import TABLE as SIGMOID_TABLE
from studio.compiler.kernels.sigmoid_s16 import sigmoid_factors
from studio.compiler.operand import Tensor
from studio.compiler.operator import Operator, Site
from studio.compiler.ops.conv import same_integers
from studio.compiler.scaling import clamp_integer, rescaled_codes

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Real = npt.NDArray[np.float32]
Function = Callable[[Real], Real]

PLAIN: dict[str, tuple[Function, str]] = {
    "Abs": (float_math.absolute, "tms_abs_f32"),
    "Ceil": (float_math.ceil, "tms_ceil_f32"),
    "Erf": (float_math.erf, "tms_erf_f32"),
    "Exp": (float_math.exp, "tms_exp_f32"),
    "Floor": (float_math.floor, "tms_floor_f32"),
    "Log": (float_math.log, "tms_log_f32"),
    "Neg": (float_math.negative, "tms_neg_f32"),
    "Reciprocal": (float_math.reciprocal, "tms_reciprocal_f32"),
    "Round": (float_math.round_even, "tms_round_f32"),
    "Sigmoid": (float_math.sigmoid, "tms_sigmoid_f32"),
    "Softplus": (float_math.softplus, "tms_softplus_f32"),
    "Softsign": (float_math.softsign, "tms_softsign_f32"),
    "Sqrt": (float_math.sqrt, "tms_sqrt_f32"),
    "Tanh": (float_math.tanh, "tms_tanh_f32"),
}
"""ONNX operator: the function and its kernel."""

SHAPED: dict[str, tuple[Callable[..., Real], str, float, float]] = {
    "Elu": (float_math.elu, "tms_elu_f32", 1.0, 0.0),
    "HardSigmoid": (float_math.hard_sigmoid, "tms_hard_sigmoid_f32", 0.2, 0.5),
    "HardSwish": (float_math.hard_swish, "tms_hard_swish_f32", 1 / 6, 0.5),
    "Swish": (float_math.swish, "tms_swish_f32", 1.0, 0.0),
}
"""ONNX operator: the function, its kernel, and what alpha and beta are if not said."""


UNIT = 1 / 32768
AS_TFLITE = {"tms_sigmoid_f32": "tms_sigmoid_s16", "tms_tanh_f32": "tms_tanh_s16"}
SMOOTH = frozenset(
    f"tms_{name}_f32"
    for name in ("erf", "exp", "gelu", "gelu_tanh", "sigmoid", "softplus", "swish", "tanh")
)


def lower_function(
    site: Site, lowering: Lowering, function: Function, kernel: str, params: dict[str, Any]
) -> Tensor:
    """A table where operand and result are int8, else the float kernel."""
    x = site.tensor()
    wide = [q for q in (x.quant, site.quant) if q is not None and q.dtype == "int16"]
    if wide:
        done = _wide(site, lowering, x, function, kernel)
        if done is not None:
            return done
    elif x.quant is not None and site.quant is not None:
        stored = function(x.quant.real(np.arange(-128, 128))) / np.float32(site.quant.scale)
        stored = np.rint(np.nan_to_num(stored)) + site.quant.zero_point
        out = lowering.output(site, x.layout, site.quant)
        lowering.table_call(x, out, np.clip(stored, -128, 127).astype(np.int8))
        return out
    site = lowering.in_float(site, "its operand or its result is not in int8")
    x = site.tensor()
    out = lowering.output(site, x.layout)
    lowering.call(kernel, (x,), out, {"n": math.prod(x.shape), **params})
    return out


def _wide(
    site: Site, lowering: Lowering, x: Tensor, function: Function, kernel: str
) -> Tensor | None:
    """A smooth function of int16 by straight lines; None where there is no table for it."""
    if not same_integers(x.quant, site.quant) or kernel not in SMOOTH:
        return None
    assert x.quant is not None
    assert site.quant is not None
    n = math.prod(x.shape)
    if site.quant.scale == UNIT and kernel in AS_TFLITE:
        out = lowering.output(site, x.layout, site.quant)
        params = {"n": n, **sigmoid_factors(x.quant.scale), "table": SIGMOID_TABLE}
        lowering.call(AS_TFLITE[kernel], (x,), out, params)
        return out
    low, high = (side * x.quant.scale for side in x.quant.limits)
    real: type[np.floating[Any]] = np.float64
    steps = 1 / site.quant.scale
    if lowering.options.rounding != "single":  # TFLite takes the width of 65535 steps for 65536
        least, most = (np.float32(side * site.quant.scale) for side in site.quant.limits)
        steps, real = float(65536 / (most - least)), np.float32

    def exact(places: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return function(places.astype(np.float32)).astype(np.float64)

    out = lowering.output(site, x.layout, site.quant)
    table = table_of(exact, low, high, steps, real)
    lowering.call("tms_lut_s16", (x,), out, {"n": n, "table": table})
    return out


def lower_plain(site: Site, lowering: Lowering) -> Tensor:
    """A function without parameters."""
    return lower_function(site, lowering, *PLAIN[site.op_type], {})


def lower_shaped(site: Site, lowering: Lowering) -> Tensor:
    """A function of alpha and beta."""
    function, kernel, alpha, beta = SHAPED[site.op_type]
    params = {
        "alpha": float(site.attributes.get("alpha", alpha)),
        "beta": float(site.attributes.get("beta", beta)),
    }
    return lower_function(site, lowering, partial(function, **params), kernel, params)


def lower_leaky_relu(site: Site, lowering: Lowering) -> Tensor:
    """Two factors where operand and result are integers, as TFLite has it."""
    x, alpha = site.tensor(), float(site.attributes.get("alpha", 0.01))
    rounding = lowering.options.rounding
    if same_integers(x.quant, site.quant) and alpha >= 0:
        assert x.quant is not None
        assert site.quant is not None
        factors = leaky_factors(x.quant.scale, alpha, site.quant.scale, rounding == "litert")
        if x.dtype == "int16":
            out = lowering.output(site, x.layout, site.quant)
            lowering.call("tms_leaky_relu_s16", (x,), out, {"n": math.prod(x.shape), **factors})
            return out
        if rounding != "single":
            centred = np.arange(-128, 128) - x.quant.zero_point
            stored = bent(rescale_double, factors, centred) + site.quant.zero_point
            out = lowering.output(site, x.layout, site.quant)
            lowering.table_call(x, out, np.clip(stored, -128, 127).astype(np.int8))
            return out
    function = partial(float_math.leaky_relu, alpha=alpha, beta=0.0)
    params = {"alpha": alpha, "beta": 0.0}
    return lower_function(site, lowering, function, "tms_leaky_relu_f32", params)


def lower_gelu(site: Site, lowering: Lowering) -> Tensor:
    """Gelu by erf, or in its approximation by tanh."""
    if site.attributes.get("approximate", "none") == "tanh":
        return lower_function(site, lowering, float_math.gelu_tanh, "tms_gelu_tanh_f32", {})
    return lower_function(site, lowering, float_math.gelu, "tms_gelu_f32", {})


def lower_clip(site: Site, lowering: Lowering) -> Tensor:
    """Relu or Clip that could not become part of the call before it."""
    lo, hi = 0.0, math.inf
    if site.op_type == "Clip":
        lo, hi = _bound(site, 1, "min", -math.inf), _bound(site, 2, "max", math.inf)
    params = {"act_min": min(lo, hi), "act_max": hi}
    x = site.tensor()
    tabled = (
        x.quant is not None and site.quant is not None and x.dtype == site.quant.dtype == "int8"
    )
    if tabled and lowering.options.rounding != "single":
        assert x.quant is not None
        assert site.quant is not None
        bounds = clamp_integer((params["act_min"], hi), site.quant)
        table = rescaled_codes(x.quant, site.quant, lowering.options.rounding)
        out = lowering.output(site, x.layout, site.quant)
        lowering.table_call(x, out, np.clip(table, bounds["act_min"], bounds["act_max"]))
        return out

    if x.quant is not None and site.quant is not None and not tabled:
        out = lowering.output(site, x.layout, site.quant)
        lowering.requantize_call(x, out, (params["act_min"], hi))
        return out

    def clip(real: Real) -> Real:
        return np.clip(real, np.float32(params["act_min"]), np.float32(hi))

    return lower_function(site, lowering, clip, "tms_clip_f32", params)


def _bound(site: Site, index: int, key: str, default: float) -> float:
    if key in site.attributes:
        return float(site.attributes[key])
    if site.optional(index) is None:
        return default
    return float(site.const(index).real.reshape(-1)[0])


OPERATORS = (
    Operator(tuple(PLAIN), lower_plain, int16=True),
    Operator(tuple(SHAPED), lower_shaped, int16=True),
    Operator(("LeakyRelu",), lower_leaky_relu, int16=True),
    Operator(("Gelu",), lower_gelu, int16=True),
    Operator(("Relu", "Clip"), lower_clip, int16=True),
)
