"""Windows over time that move on; see runtime_c/src/tms_shift.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from studio.compiler.kernel import Array, Example, Kernel, Params


def reference(p: Params, x: Array, fresh: Array, out: Array) -> None:
    """Each row without its first elements, the fresh ones behind."""
    kept = x.reshape(p["rows"], p["n"])[:, p["fresh"] :]
    rows = np.concatenate((kept, fresh.reshape(p["rows"], p["fresh"])), axis=1)
    out[...] = rows.reshape(out.shape)


def _examples(dtype: str, rng: np.random.Generator) -> tuple[Example, ...]:
    """One element of many rows, several of one, a whole row."""
    made = []
    for rows, n, fresh in ((5, 8, 1), (1, 13, 3), (2, 4, 4)):
        x, y = (rng.integers(-128, 128, (rows, k)).astype(dtype) for k in (n, fresh))
        params = {"rows": rows, "n": n, "fresh": fresh}
        made.append(Example(params, (x, y), (rows, n), dtype))
    return tuple(made)


FIELDS = (("rows", "i32"), ("n", "i32"), ("fresh", "i32"))
KERNELS = tuple(
    Kernel(name, "tms_shift_params", FIELDS, reference, partial(_examples, dtype), in_place=True)
    for name, dtype in (
        ("tms_shift_b8", "int8"),
        ("tms_shift_b16", "int16"),
        ("tms_shift_b32", "float32"),
    )
)
