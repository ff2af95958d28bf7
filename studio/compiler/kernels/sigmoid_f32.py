"""Float sigmoid; see runtime_c/src/tms_math.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import sigmoid
from studio.compiler.kernel import Array, Example, Kernel, Params

SPECIAL = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-42, 1.2e-38, -1e-20, 0.625, -0.625,
    88.7, -88.7, 89.0, -89.0, 100.0, -103.9, -103.98, -104.0, 3e38, -3e38,
)  # fmt: skip


def reference(p: Params, x: Array, out: Array) -> None:
    """1 / (1 + e^-x)."""
    out[...] = sigmoid(x)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Special values, the whole range of exponents, and where the curve bends."""
    exponents = rng.uniform(-140, 7, 500)
    wide = np.exp2(exponents) * rng.choice((-1.0, 1.0), 500)
    near = rng.uniform(-12, 12, 500)
    arrays = (np.array(SPECIAL), wide, near, near[:1])
    return tuple(
        Example({"n": x.size}, (x.astype(np.float32),), x.shape, "float32") for x in arrays
    )


FIELDS = (("n", "i32"),)
KERNELS = (
    Kernel(
        "tms_sigmoid_f32",
        "tms_unary_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
