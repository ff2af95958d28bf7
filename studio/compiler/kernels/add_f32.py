"""Float addition with broadcast; see runtime_c/src/tms_binary_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.transpose import strided


@np.errstate(all="ignore")
def reference(p: Params, a: Array, b: Array, out: Array) -> None:
    """Clip a + b, both broadcast to the shape by their strides."""
    total = strided(a, p["shape"], p["a_stride"]) + strided(b, p["shape"], p["b_stride"])
    out[...] = clip(total, p["act_min"], p["act_max"]).reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Equal shapes, either side broadcast, a transposed one, clipped, special values."""
    dense, channel = (0, 20, 5, 1), (0, 0, 0, 1)
    special = _example(rng, (1, 1, 6, 6), (0, 0, 6, 1), (0, 0, 1, 6))
    values = (np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38)
    special.inputs[0][:] = np.repeat(values, 6)
    special.inputs[1][:] = np.repeat(values, 6)
    return (
        _example(rng, (1, 3, 4, 5), dense, dense),
        _example(rng, (1, 3, 4, 5), dense, channel, 0.0, 6.0),
        _example(rng, (2, 3, 1, 4), (0, 4, 0, 1), (12, 4, 4, 1), 0.0),
        _example(rng, (1, 3, 4, 5), (0, 0, 0, 0), (0, 1, 3, 12)),
        special,
    )


def _example(
    rng: np.random.Generator,
    shape: tuple[int, int, int, int],
    a_stride: tuple[int, int, int, int],
    b_stride: tuple[int, int, int, int],
    low: float = -np.inf,
    high: float = np.inf,
) -> Example:
    params = {"shape": shape, "a_stride": a_stride, "b_stride": b_stride}
    inputs = []
    for strides in (a_stride, b_stride):
        last = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        inputs.append(rng.standard_normal(last + 1, dtype=np.float32))
    return Example({**params, "act_min": low, "act_max": high}, tuple(inputs), shape, "float32")


FIELDS = (
    ("shape", "i32[4]"), ("a_stride", "i32[4]"), ("b_stride", "i32[4]"),
    ("act_min", "f32"), ("act_max", "f32"),
)  # fmt: skip
KERNELS = (
    Kernel(
        "tms_add_f32",
        "tms_binary_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
        elementwise=True,
    ),
)
