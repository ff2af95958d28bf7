"""Float product of two batches of matrices; see runtime_c/src/tms_matmul_f32.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from studio.compiler.float_math import clip
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.transpose import strided


def matrices(p: Params, a: Array, b: Array) -> tuple[Array, Array]:
    """A as [batch, batch, m, k] and b as [batch, batch, k, n], seen through their strides."""
    batch = tuple(p["batch"])
    return (
        strided(a, (*batch, p["m"], p["k"]), p["a_stride"]),
        strided(b, (*batch, p["k"], p["n"]), p["b_stride"]),
    )


@np.errstate(all="ignore")
def reference(p: Params, a: Array, b: Array, out: Array) -> None:
    """Start from zero, add product by product, clip."""
    left, right = matrices(p, a, b)
    total = np.zeros((*p["batch"], p["m"], p["n"]), np.float32)
    for k in range(p["k"]):
        total = total + left[..., k, None] * right[..., k, None, :]
    out[...] = clip(total, p["act_min"], p["act_max"]).reshape(out.shape)


def geometries() -> tuple[dict[str, Any], ...]:
    """One product, a broadcast batch, both sides transposed."""
    names = ("batch", "m", "k", "n", "a_stride", "b_stride")
    cases: Sequence[tuple[Any, ...]] = (
        ((1, 1), 3, 5, 4, (0, 0, 5, 1), (0, 0, 4, 1)),
        ((2, 3), 2, 4, 3, (24, 8, 4, 1), (0, 12, 3, 1)),
        ((1, 2), 4, 3, 2, (0, 12, 1, 4), (0, 6, 1, 3)),
        ((1, 1), 1, 6, 1, (0, 0, 6, 1), (0, 0, 1, 1)),
    )
    return tuple(dict(zip(names, case, strict=True)) for case in cases)


def sizes(p: dict[str, Any]) -> tuple[int, int]:
    """Elements of a and of b that the strides reach."""
    found = []
    for side, axes in (("a", (p["m"], p["k"])), ("b", (p["k"], p["n"]))):
        steps = zip((*p["batch"], *axes), p[f"{side}_stride"], strict=True)
        found.append(1 + sum((n - 1) * step for n, step in steps))
    return found[0], found[1]


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """Every geometry, clipped once, special values once."""
    made = []
    for number, geometry in enumerate(geometries()):
        a, b = (rng.standard_normal(n, dtype=np.float32) for n in sizes(geometry))
        if number == 1:
            a[:5] = np.nan, np.inf, -0.0, 1e-42, 3e38
        low, high = (0.0, 1.0) if number == 2 else (-np.inf, np.inf)
        params = {**geometry, "act_min": low, "act_max": high}
        shape = (*geometry["batch"], geometry["m"], geometry["n"])
        made.append(Example(params, (a, b), shape, "float32"))
    return tuple(made)


FIELDS = (
    ("batch", "i32[2]"), ("m", "i32"), ("k", "i32"), ("n", "i32"),
    ("a_stride", "i32[4]"), ("b_stride", "i32[4]"), ("act_min", "f32"), ("act_max", "f32"),
)  # fmt: skip
KERNELS = (Kernel("tms_matmul_f32", "tms_matmul_f32_params", FIELDS, reference, examples),)
