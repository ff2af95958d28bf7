"""Float x (1 + erf(x / sqrt 2)) / 2; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import gelu
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_gelu_f32", gelu),)
