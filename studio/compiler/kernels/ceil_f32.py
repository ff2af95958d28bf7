"""Float rounding up; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import ceil
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_ceil_f32", ceil),)
