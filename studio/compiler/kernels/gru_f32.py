"""Float GRU, one direction; see runtime_c/src/tms_gru_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import F32, one_nan
from studio.compiler.kernel import Params
from studio.compiler.kernels.rnn_f32 import Step, dot_on, gate, gate_sums, recurrent


def step(p: Params, x: F32, h: F32, c: F32) -> tuple[F32, F32]:
    """Gates z, r and the candidate; variant 1 multiplies before it resets."""
    n = p["hidden"]
    sums = gate_sums(p, x, h, 2 * n)
    z, r = gate(p, 0, sums[:n]), gate(p, 0, sums[n:])
    bias, w = p["bias"].reshape(-1), p["w"].reshape(-1, p["in_n"])[2 * n :]
    weights = p["r"].reshape(-1, n)[2 * n :]
    acc = dot_on(bias[2 * n : 3 * n], x, w)
    if p["variant"]:
        acc = acc + r * dot_on(bias[3 * n :], h, weights)
    else:
        acc = dot_on(acc + bias[3 * n :], r * h, weights)
    new = one_nan((1 - z) * gate(p, 1, acc) + z * h)
    return new, new


KERNELS = (recurrent("tms_gru_f32", 3, 4, Step(step), states=1),)
