"""One of two values, with broadcast; see runtime_c/src/tms_where.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.transpose import strided


def reference(p: Params, condition: Array, a: Array, b: Array, out: Array) -> None:
    """A where the condition holds, else b."""
    seen = [
        strided(x, p["shape"], p[f"{name}_stride"])
        for name, x in (("c", condition.view(np.uint8)), ("a", a), ("b", b))
    ]
    out[...] = np.where(seen[0] != 0, seen[1], seen[2]).reshape(out.shape)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    dense, channel, one = (24, 12, 4, 1), (0, 0, 0, 1), (0, 0, 0, 0)
    made = []
    for steps in ((dense, dense, dense), (channel, one, dense), (dense, channel, one)):
        params = {"shape": (1, 2, 3, 4)}
        params |= dict(zip(("c_stride", "a_stride", "b_stride"), steps, strict=True))
        condition = rng.integers(0, 2, 24).astype(bool)
        a, b = (rng.integers(-128, 128, 24).astype(dtype) for _ in range(2))
        made.append(Example(params, (condition, a, b), (1, 2, 3, 4), dtype))
    return tuple(made)


FIELDS = tuple((name, "i32[4]") for name in ("shape", "c_stride", "a_stride", "b_stride"))
KERNELS = tuple(
    Kernel(f"tms_where_{width}", "tms_where_params", FIELDS, reference, partial(_examples, dtype))
    for width, dtype in (("b8", "int8"), ("b16", "int16"), ("b32", "float32"))
)
