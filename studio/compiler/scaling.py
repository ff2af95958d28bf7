"""From real scales to the integers that kernels rescale with.

Formulas: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (arXiv 1712.05877), in the forms that TFLite fixed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.fixed_point import quantize_multiplier, quantize_multipliers, rescale_double
from studio.compiler.operand import Quant


def multipliers(real: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
    """`multiplier` int32 and `shift` int8 for each real factor."""
    multiplier, shift = quantize_multipliers(real)
    return {"multiplier": multiplier, "shift": shift}


def rescaled_codes(source: Quant, target: Quant, rounding: str | None) -> npt.NDArray[np.int8]:
    """What each int8 value -128 .. 127 of one scale is in another.

    Rounded half to even as ONNX does; in the roundings of TFLite as its Requantize does
    (kernels/internal/reference/requantize.h), which rounds twice.
    """
    centred = np.arange(-128, 128, dtype=np.int32) - np.int32(source.zero_point)
    factor = np.float64(source.scale) / target.scale
    if rounding == "single":
        steps = np.rint(centred * np.float64(source.scale) / target.scale)
    else:
        steps = rescale_double(centred, *quantize_multiplier(factor)).astype(np.float64)
    codes: npt.NDArray[np.int8] = np.clip(steps + target.zero_point, -128, 127).astype(np.int8)
    return codes


def clamp_int8(clamp: tuple[float, float] | None, quant: Quant) -> dict[str, int]:
    """`act_min` and `act_max` of a fused activation in stored values."""
    lo, hi = clamp or (-math.inf, math.inf)
    return {
        "act_min": -128 if lo == -math.inf else quant.stored(lo),
        "act_max": 127 if hi == math.inf else quant.stored(hi),
    }


def clamp_float(clamp: tuple[float, float] | None) -> dict[str, float]:
    """`act_min` and `act_max` of a fused activation in float."""
    lo, hi = clamp or (-math.inf, math.inf)
    return {"act_min": lo, "act_max": hi}
