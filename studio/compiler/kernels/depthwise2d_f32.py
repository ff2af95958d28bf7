"""Float depthwise convolution; see runtime_c/src/tms_depthwise2d_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.conv2d_f32 import FIELDS
from studio.compiler.window import inside, patches, window


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Start from the bias, add tap by tap, clip."""
    weights = p["weights"].reshape(p["kernel_h"], p["kernel_w"], p["out_c"])
    acc = np.broadcast_to(p["bias"], out.shape)
    seen, there = patches(p, x, 0), inside(p)[..., None]
    for ky, kx in np.ndindex(p["kernel_h"], p["kernel_w"]):
        value = np.repeat(seen[:, :, ky, kx], p["out_c"] // p["in_c"], axis=-1)
        acc = np.where(there[:, :, ky, kx], acc + value * weights[ky, kx], acc)
    out[...] = clip(acc, p["act_min"], p["act_max"])


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Padded, strided, dilated, with a channel multiplier, special values."""
    windows = (
        window((5, 6, 4), 4, (3, 3), pads=(1, 1, 1, 1), groups=4),
        window((7, 6, 3), 6, (3, 2), stride=(2, 2), pads=(1, 0, 1, 1), groups=3),
        window((8, 9, 2), 2, (3, 3), dilation=(3, 2), pads=(3, 2, 3, 2), groups=2),
        window((1, 9, 5), 5, (1, 4), pads=(0, 1, 0, 2), groups=5),
    )
    limits = ((-np.inf, np.inf), (0.0, 6.0), (0.0, np.inf), (-1.0, 1.0))
    ordinary = [_example(rng, w, *limit) for w, limit in zip(windows, limits, strict=True)]
    special = _example(rng, windows[0], -np.inf, np.inf)
    special.inputs[0].reshape(-1)[:6] = np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38
    return (*ordinary, special)


def _example(rng: np.random.Generator, w: dict[str, int], low: float, high: float) -> Example:
    def random(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    weights = random(w["kernel_h"], w["kernel_w"], w["out_c"])
    limits = {"act_min": low, "act_max": high}
    params = {**w, **limits, "weights": weights, "bias": random(w["out_c"])}
    x = random(w["in_h"], w["in_w"], w["in_c"])
    return Example(params, (x,), (w["out_h"], w["out_w"], w["out_c"]), "float32")


KERNELS = (
    Kernel(
        "tms_depthwise2d_f32", "tms_conv2d_f32_params", FIELDS, reference, examples, window=True
    ),
)
