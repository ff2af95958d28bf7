"""Float dense layer with int8 weights; see runtime_c/src/tms_dense_f32_w8.h."""

from __future__ import annotations

from functools import partial

from studio.compiler.kernel import Kernel
from studio.compiler.kernels import dense_f32
from studio.compiler.kernels.conv2d_f32_w8 import examples, reference

FIELDS = (
    ("rows", "i32"), ("in_n", "i32"), ("out_n", "i32"), ("act_min", "f32"), ("act_max", "f32"),
    ("weights", "ptr"), ("scale", "ptr"), ("bias", "ptr"),
)  # fmt: skip
KERNELS = (
    Kernel(
        "tms_dense_f32_w8",
        "tms_dense_f32_w8_params",
        FIELDS,
        partial(reference, dense_f32.reference),
        partial(examples, dense_f32.examples),
    ),
)
