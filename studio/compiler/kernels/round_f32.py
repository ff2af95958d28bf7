"""Float rounding half to even; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import round_even
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_round_f32", round_even),)
