"""Float x / (1 + |x|); see runtime_c/src/tms_softsign_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import softsign
from studio.compiler.kernels.sigmoid_f32 import unary

KERNELS = (unary("tms_softsign_f32", softsign),)
