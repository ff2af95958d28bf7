"""Float negation; see runtime_c/src/tms_neg_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import negative
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_neg_f32", negative),)
