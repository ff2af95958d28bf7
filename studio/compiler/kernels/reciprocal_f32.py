"""Float 1 / x; see runtime_c/src/tms_reciprocal_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import reciprocal
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_reciprocal_f32", reciprocal),)
