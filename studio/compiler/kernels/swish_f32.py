"""Float x sigmoid(alpha x); see runtime_c/src/tms_swish_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import swish
from studio.compiler.kernels.leaky_relu_f32 import shaped

KERNELS = (shaped("tms_swish_f32", swish),)
