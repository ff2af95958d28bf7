"""Float power, with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import power
from studio.compiler.kernels.add_f32 import binary

KERNELS = (binary("tms_pow_f32", power),)
