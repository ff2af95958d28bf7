"""Float convolution with int8 weights, grouped or depthwise; see tms_conv2d_f32_w8.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels import conv2d_f32, depthwise2d_f32

Reference = Callable[[Params, Array, Array], None]


@np.errstate(all="ignore")
def reference(of_float: Reference, p: Params, x: Array, out: Array) -> None:
    """The float kernel with the stored weights and no bias, then scale, bias and clip."""
    sums = np.zeros(out.shape, np.float32)
    plain: dict[str, Any] = {
        "weights": p["weights"].astype(np.float32),
        "bias": np.zeros(p["bias"].size, np.float32),
        "act_min": -np.inf,
        "act_max": np.inf,
    }
    of_float({**p, **plain}, x, sums)
    out[...] = clip(sums * p["scale"] + p["bias"], p["act_min"], p["act_max"])


def examples(
    of_float: Callable[[np.random.Generator], tuple[Example, ...]], rng: np.random.Generator
) -> tuple[Example, ...]:
    """Those of the float kernel, weights drawn anew."""
    made = []
    for example in of_float(rng):
        weights = rng.integers(-128, 128, example.params["weights"].shape, dtype=np.int8)
        scale = rng.uniform(0.001, 0.02, example.params["bias"].size).astype(np.float32)
        params = {**example.params, "weights": weights, "scale": scale}
        made.append(replace(example, params=params))
    return tuple(made)


FIELDS = (
    ("act_min", "f32"), ("act_max", "f32"), ("weights", "ptr"), ("scale", "ptr"), ("bias", "ptr"),
)  # fmt: skip
KERNELS = tuple(
    Kernel(
        name,
        "tms_conv2d_f32_w8_params",
        FIELDS,
        partial(reference, module.reference),
        partial(examples, module.examples),
        window=True,
    )
    for name, module in (
        ("tms_conv2d_f32_w8", conv2d_f32),
        ("tms_depthwise2d_f32_w8", depthwise2d_f32),
    )
)
