"""int8 and int16 to float; see runtime_c/src/tms_dequantize_s8_f32.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.quantize_f32_s8 import FIELDS


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """(x - zero_point) * scale."""
    out[...] = (x.astype(np.int32) - p["zero_point"]).astype(np.float32) * np.float32(p["scale"])


def examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """Every value of int8, both ends; ordinary and denormal scales."""
    limits = np.iinfo(dtype)
    x = np.append(np.arange(-128, 128), (limits.min, limits.max)).astype(dtype)
    cases = ((0.0173, -3), (1.0, 127), (0.5, -128), (1e-42, 0))
    return tuple(
        Example({"n": x.size, "scale": scale, "zero_point": zero}, (x,), x.shape, "float32")
        for scale, zero in cases
    )


KERNELS = tuple(
    Kernel(name, "tms_quantize_params", FIELDS, reference, partial(examples, dtype))
    for name, dtype in (("tms_dequantize_s8_f32", "int8"), ("tms_dequantize_s16_f32", "int16"))
)
