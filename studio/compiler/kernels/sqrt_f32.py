"""Float square root; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import sqrt
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_sqrt_f32", sqrt),)
