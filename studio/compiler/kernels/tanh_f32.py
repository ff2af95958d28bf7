"""Float hyperbolic tangent; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import tanh
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_tanh_f32", tanh),)
