"""Float convolution with groups; see runtime_c/src/tms_conv2d_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.window import inside, patches, window


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Start from the bias, add tap by tap, channel by channel, clip."""
    convolve(p, patches(p, x, 0), inside(p), out)


def convolve(p: Params, seen: Array, there: Array, out: Array) -> None:
    """Weigh and add what each tap sees [out_h, out_w, kh, kw, in_c], where it sees anything."""
    depth, filters = p["in_c"] // p["groups"], p["out_c"] // p["groups"]
    weights = p["weights"].reshape(p["out_c"], p["kernel_h"], p["kernel_w"], depth)
    acc = np.broadcast_to(p["bias"], out.shape)
    there = there[..., None]
    for ky, kx, c in np.ndindex(p["kernel_h"], p["kernel_w"], depth):
        # channel c of each group, once for each of the group's filters
        value = np.repeat(seen[:, :, ky, kx, c::depth], filters, axis=-1)
        acc = np.where(there[:, :, ky, kx], acc + value * weights[:, ky, kx, c], acc)
    out[...] = clip(acc, p["act_min"], p["act_max"])


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Pointwise, padded, strided, dilated, grouped, one-dimensional, special values."""
    windows = (
        window((3, 4, 5), 6, (1, 1)),
        window((6, 5, 3), 4, (3, 3), stride=(2, 1), pads=(1, 1, 1, 1)),
        window((7, 8, 4), 6, (3, 2), dilation=(2, 3), pads=(2, 1, 2, 1), groups=2),
        window((1, 12, 3), 2, (1, 5), stride=(1, 2), pads=(0, 2, 0, 2)),
        window((4, 4, 2), 3, (3, 3), pads=(2, 2, 2, 2)),
    )
    limits = ((-np.inf, np.inf), (0.0, np.inf), (-np.inf, np.inf), (0.0, 6.0), (-1.0, 1.0))
    ordinary = [draw_example(rng, w, *limit) for w, limit in zip(windows, limits, strict=True)]
    special = draw_example(rng, windows[1], -np.inf, np.inf)
    special.inputs[0].reshape(-1)[:6] = np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38
    tiny = draw_example(rng, windows[2], -np.inf, np.inf, scale=1e-20)
    return (*ordinary, special, tiny)


def draw_example(
    rng: np.random.Generator, w: dict[str, int], low: float, high: float, scale: float = 1.0
) -> Example:
    """An Example with random numbers of a size for a window."""

    def random(*shape: int) -> Array:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    depth = w["in_c"] // w["groups"]
    weights = random(w["out_c"], w["kernel_h"], w["kernel_w"], depth)
    bias = random(w["out_c"]) * np.float32(scale)
    params = {**w, "act_min": low, "act_max": high, "weights": weights, "bias": bias}
    x = random(w["in_h"], w["in_w"], w["in_c"])
    return Example(params, (x,), (w["out_h"], w["out_w"], w["out_c"]), "float32")


FIELDS = (("act_min", "f32"), ("act_max", "f32"), ("weights", "ptr"), ("bias", "ptr"))
KERNELS = (
    Kernel("tms_conv2d_f32", "tms_conv2d_f32_params", FIELDS, reference, examples, window=True),
)
