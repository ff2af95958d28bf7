"""Float LSTM, one direction; see runtime_c/src/tms_lstm_f32.h."""

from __future__ import annotations

from studio.compiler.float_math import F32, clip, one_nan
from studio.compiler.kernel import Params
from studio.compiler.kernels.rnn_f32 import Step, activated, gate, gate_sums, recurrent


def step(p: Params, x: F32, h: F32, c: F32) -> tuple[F32, F32]:
    """Gates i, o, f and the candidate; variant 1 couples f to i."""
    n = p["hidden"]
    sums = gate_sums(p, x, h)
    for_i, for_o, for_f, candidate = (sums[k * n : (k + 1) * n] for k in range(4))
    peepholes = p["peepholes"].reshape(-1)
    if p["peeps"]:
        for_i = for_i + peepholes[:n] * c
        for_f = for_f + peepholes[2 * n : 3 * n] * c
    i = gate(p, 0, for_i)
    f = 1 - i if p["variant"] else gate(p, 0, for_f)
    now = clip(one_nan(f * c + i * gate(p, 1, candidate)), -p["cell_clip"], p["cell_clip"])
    if p["peeps"]:
        for_o = for_o + peepholes[n : 2 * n] * now
    return one_nan(gate(p, 0, for_o) * activated(p["activation"][2], now)), now


KERNELS = (recurrent("tms_lstm_f32", 4, 4, Step(step), states=2),)
