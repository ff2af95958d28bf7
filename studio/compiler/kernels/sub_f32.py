"""Float subtraction with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

from operator import sub

from studio.compiler.kernels.add_f32 import binary

KERNELS = (binary("tms_sub_f32", sub),)
