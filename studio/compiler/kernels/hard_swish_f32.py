"""Float x times alpha x + beta within 0 and 1; see runtime_c/src/tms_hard_swish_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import hard_swish
from studio.compiler.kernels.leaky_relu_f32 import shaped

KERNELS = (shaped("tms_hard_swish_f32", hard_swish),)
