"""Float to int8 and int16; see runtime_c/src/tms_quantize_f32_s8.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.sigmoid_f32 import SPECIAL


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Clamp round-half-to-even(x / scale) + zero_point; NaN becomes the zero point."""
    real = x / np.float32(p["scale"])
    whole = np.rint(np.clip(np.where(np.isnan(real), np.float32(0), real), -131072, 131072))
    limits = np.iinfo(out.dtype)
    y = np.clip(whole.astype(np.int32) + p["zero_point"], limits.min, limits.max)
    out[...] = y.reshape(out.shape)


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """Special values, every tie, random values; zero points in the middle and at both ends."""
    ties = np.arange(-300, 301, dtype=np.float32) / 2
    special = np.concatenate((SPECIAL, rng.normal(0, 40, 100))).astype(np.float32)
    cases = ((ties, 1.0, 0), (ties, 1.0, 127), (ties, 0.5, -128), (special, 0.0173, -3))
    return tuple(
        Example({"n": x.size, "scale": scale, "zero_point": zero}, (x,), x.shape, dtype)
        for x, scale, zero in (*cases, (special, 1e-38, 5), (special, 1e37, 5))
    )


FIELDS = (("n", "i32"), ("scale", "f32"), ("zero_point", "i32"))
KERNELS = tuple(
    Kernel(name, "tms_quantize_params", FIELDS, reference, partial(examples, dtype))
    for name, dtype in (("tms_quantize_f32_s8", "int8"), ("tms_quantize_f32_s16", "int16"))
)
