"""tms_maxpool2d_s8: the largest value in a window."""

from __future__ import annotations

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import patches, window

FIELDS = (("act_min", "i16"), ("act_max", "i16"))


def reference(p: Params, x: Array, out: Array) -> None:
    """Map x int8 [in_h, in_w, in_c] to out int8 [out_h, out_w, in_c]; padding does not count.

    Formula: MaxPool in TFLite's reference/integer_ops/pooling.h.
    """
    outside = np.iinfo(x.dtype).min
    out[...] = np.clip(patches(p, x, outside).max(axis=(2, 3)), p["act_min"], p["act_max"])


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Whole and padded windows, overlapping and dilated, values of one sign, a narrow clamp."""
    geometries = (
        window((4, 6, 5), 5, (2, 2), stride=(2, 2)),
        window((5, 5, 3), 3, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1)),
        window((7, 8, 2), 2, (2, 3), dilation=(3, 2), pads=(0, 1, 2, 1)),
        window((1, 12, 4), 4, (1, 3), stride=(1, 3)),
        window((3, 4, 2), 2, (3, 4)),
    )
    return (
        *(draw_example(rng, geometry) for geometry in geometries),
        draw_example(rng, geometries[1], high=-100),
        draw_example(rng, geometries[1], act_min=-20, act_max=30),
    )


def draw_example(
    rng: np.random.Generator,
    geometry: dict[str, int],
    *,
    high: int = 128,
    act_min: int = -128,
    act_max: int = 127,
) -> Example:
    """An Example with random numbers under `high` for a window."""
    g = geometry
    x = rng.integers(-128, high, (g["in_h"], g["in_w"], g["in_c"]), dtype=np.int8)
    params = {**g, "act_min": act_min, "act_max": act_max}
    return Example(params, (x,), (g["out_h"], g["out_w"], g["out_c"]), "int8")


KERNELS = (
    Kernel("tms_maxpool2d_s8", "tms_pool2d_s8_params", FIELDS, reference, examples, window=True),
)
