"""tms_mean_s16, tms_reduce_max_s16 and tms_reduce_min_s16: what the int8 ones do, in int16."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.compiler.kernel import Example
from studio.compiler.kernels import mean_s8, reduce_max_s8, reduce_min_s8


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The rows of the int8 mean over the whole range, zero points 0, a narrow clamp."""
    made: list[Example] = []
    for example in mean_s8.examples(rng):
        x = rng.integers(-32768, 32768, example.inputs[0].shape).astype(np.int16)
        limits = {"act_min": -32768, "act_max": 900 if len(made) == 3 else 32767}
        params = {**example.params, "in_offset": 0, "out_offset": 0, **limits}
        made.append(replace(example, params=params, inputs=(x,), out_dtype="int16"))
    return tuple(made)


KERNELS = tuple(
    replace(kernel, name=kernel.name.replace("_s8", "_s16"), examples=examples)
    for module in (mean_s8, reduce_max_s8, reduce_min_s8)
    for kernel in module.KERNELS
)
