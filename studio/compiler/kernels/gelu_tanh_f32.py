"""Float x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import gelu_tanh
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_gelu_tanh_f32", gelu_tanh),)
