"""Float x, and alpha (e^x - 1) below zero; see runtime_c/src/tms_elu_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import elu
from studio.compiler.kernels.leaky_relu_f32 import shaped

KERNELS = (shaped("tms_elu_f32", elu),)
