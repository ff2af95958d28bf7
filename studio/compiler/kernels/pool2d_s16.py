"""tms_maxpool2d_s16 and tms_avgpool2d_s16: what the int8 ones do, in int16."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.compiler.kernel import Example, Kernel
from studio.compiler.kernels import avgpool2d_s8, maxpool2d_s8


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The windows of int8 over the whole range, and a narrow clamp."""
    made: list[Example] = []
    for example in maxpool2d_s8.examples(rng):
        x = rng.integers(-32768, 32768, example.inputs[0].shape).astype(np.int16)
        limits = {"act_min": -32768, "act_max": 900 if len(made) == 1 else 32767}
        params = {**example.params, **limits}
        made.append(replace(example, params=params, inputs=(x,), out_dtype="int16"))
    return tuple(made)


KERNELS = tuple(
    Kernel(name, "tms_pool2d_s8_params", maxpool2d_s8.FIELDS, reference, examples, window=True)
    for name, reference in (
        ("tms_maxpool2d_s16", maxpool2d_s8.reference),
        ("tms_avgpool2d_s16", avgpool2d_s8.reference),
    )
)
