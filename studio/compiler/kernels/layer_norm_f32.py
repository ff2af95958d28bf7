"""Float layer normalisation; see runtime_c/src/tms_layer_norm_f32.h."""

from __future__ import annotations

import numpy as np

from studio.compiler.float_math import one_nan, reciprocal, sqrt
from studio.compiler.kernel import Array, Example, Kernel, Params
from studio.compiler.kernels.softmax_f32 import examples as rows_of_examples


@np.errstate(all="ignore")
def reference(p: Params, x: Array, out: Array) -> None:
    """Every vector to mean 0 and variance 1, then scale and bias; sums run in order."""
    columns = x.reshape(p["rows"], p["n"]).T
    share = np.float32(1) / np.float32(p["n"])
    total = squares = np.zeros(p["rows"], np.float32)
    for column in columns:
        total = total + column
    centred = columns - total * share
    for column in centred:
        squares = squares + column * column
    factor = reciprocal(sqrt(squares * share + np.float32(p["epsilon"])))
    y = (centred * factor) * p["scale"].reshape(-1, 1) + p["bias"].reshape(-1, 1)
    out[...] = one_nan(y).T.reshape(out.shape)


def examples(rng: np.random.Generator) -> tuple[Example, ...]:
    """The vectors of softmax, equal values among them."""
    made = []
    for example in rows_of_examples(rng):
        n = example.params["n"]
        params = {
            **example.params,
            "epsilon": 1e-5,
            "scale": rng.standard_normal(n, dtype=np.float32),
            "bias": rng.standard_normal(n, dtype=np.float32),
        }
        made.append(Example(params, example.inputs, example.out_shape, "float32"))
    return tuple(made)


FIELDS = (
    ("rows", "i32"), ("n", "i32"), ("epsilon", "f32"), ("scale", "ptr"), ("bias", "ptr"),
)  # fmt: skip
KERNELS = (
    Kernel(
        "tms_layer_norm_f32",
        "tms_layer_norm_f32_params",
        FIELDS,
        reference,
        examples,
        in_place=True,
    ),
)
