"""Float hyperbolic tangent; see runtime_c/src/tms_math.h."""

from __future__ import annotations

from studio.compiler.float_math import tanh
from studio.compiler.kernel import Array, Kernel, Params
from studio.compiler.kernels.sigmoid_f32 import FIELDS, examples


def reference(p: Params, x: Array, out: Array) -> None:
    """Hyperbolic tangent of each value."""
    out[...] = tanh(x)


KERNELS = (
    Kernel(
        "tms_tanh_f32",
        "tms_unary_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
