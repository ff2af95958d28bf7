"""Float clipping; see tms_clip in runtime_c/src/tms_float.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.sigmoid_f32 import SPECIAL


def reference(p: Params, x: Array, out: Array) -> None:
    """Bring x into [act_min, act_max]; NaN stays NaN."""
    out[...] = clip(x, p["act_min"], p["act_max"])


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Relu, relu6, no limit, limits that are zeros or denormals."""
    x = np.concatenate((SPECIAL, rng.uniform(-12, 12, 40))).astype(np.float32)
    limits = ((0.0, np.inf), (-0.0, 6.0), (-np.inf, np.inf), (-1.0, -0.0), (1e-43, 1e-42))
    return tuple(
        Example({"n": x.size, "act_min": low, "act_max": high}, (x,), x.shape, "float32")
        for low, high in limits
    )


FIELDS = (("n", "i32"), ("act_min", "f32"), ("act_max", "f32"))
KERNELS = (
    Kernel(
        "tms_clip_f32",
        "tms_clip_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
