"""Float absolute value; see runtime_c/src/tms_abs_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import absolute
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_abs_f32", absolute),)
