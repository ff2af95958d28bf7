"""From real scales to the integers that kernels rescale with.

Formulas: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (arXiv 1712.05877), in the forms that TFLite fixed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.fixed_point import quantize_multipliers
from studio.compiler.operand import Quant


def multipliers(real: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
    """`multiplier` int32 and `shift` int8 for each real factor."""
    multiplier, shift = quantize_multipliers(real)
    return {"multiplier": multiplier, "shift": shift}


def clamp_integer(clamp: tuple[float, float] | None, quant: Quant) -> dict[str, int]:
    """`act_min` and `act_max` of a fused activation in stored values."""
    lo, hi = clamp or (-math.inf, math.inf)
    least, most = quant.limits
    return {
        "act_min": least if lo == -math.inf else quant.stored(lo),
        "act_max": most if hi == math.inf else quant.stored(hi),
    }


def clamp_float(clamp: tuple[float, float] | None) -> dict[str, float]:
    """`act_min` and `act_max` of a fused activation in float."""
    lo, hi = clamp or (-math.inf, math.inf)
    return {"act_min": lo, "act_max": hi}
