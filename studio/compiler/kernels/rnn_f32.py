"""Float plain recurrent layer, one direction, and what all recurrent layers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.compiler.float_math import F32, clip, hard_sigmoid, one_nan, sigmoid, tanh
from studio.compiler.kernel import Array, Example, Kernel, Params

ACTIVATIONS = ("Sigmoid", "Tanh", "Relu", "HardSigmoid", "Affine")  # as tms.h numbers them
FIELDS = (
    ("steps", "i32"), ("batch", "i32"), ("in_n", "i32"), ("hidden", "i32"), ("direction", "i32"),
    ("directions", "i32"), ("reverse", "i8"), ("whole", "i8"), ("peeps", "i8"), ("variant", "i8"),
    ("activation", "i8[3]"), ("clip", "f32"), ("cell_clip", "f32"), ("lengths", "ptr"),
    ("w", "ptr"), ("r", "ptr"), ("bias", "ptr"), ("peepholes", "ptr"),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """(params, x, h, c) -> new h and c, the sums in the order of the C."""

    function: Callable[[Params, F32, F32, F32], tuple[F32, F32]]


def activated(kind: int, x: F32) -> F32:
    """An activation by its number."""
    if kind < 2:
        return sigmoid(x) if kind == 0 else tanh(x)
    if kind == 2:
        return clip(x, 0, np.inf)
    return hard_sigmoid(x, 0.2, 0.5) if kind == 3 else one_nan(x)


def dot_on(acc: F32, x: F32, weights: F32) -> F32:
    """Acc + weights [rows, n] times x [n], product by product."""
    for i in range(x.size):
        acc = acc + x[i] * weights[:, i]
    return acc


def gate_sums(p: Params, x: F32, h: F32, rows: int | None = None) -> F32:
    """Bias, then the input, then the state, of the first rows of the weights."""
    w, r = p["w"].reshape(-1, p["in_n"])[:rows], p["r"].reshape(-1, p["hidden"])[:rows]
    return dot_on(dot_on(p["bias"].reshape(-1)[: len(w)], x, w), h, r)


def gate(p: Params, which: int, sums: F32) -> F32:
    """The sums clipped and activated."""
    return activated(p["activation"][which], clip(sums, -p["clip"], p["clip"]))


def recurrent(name: str, gates: int, biases: int, step: Step, states: int) -> Kernel:
    """A kernel that walks the steps of each sequence; scratch holds the gates of one step."""

    @np.errstate(all="ignore")
    def reference(p: Params, *arrays: Array) -> None:
        x, starts, (out, *ends) = arrays[0], arrays[1 : 1 + states], arrays[1 + states :]
        shape = (p["directions"], p["batch"], p["hidden"])
        x = x.reshape(p["steps"], p["batch"], p["in_n"])
        for b in range(p["batch"]):
            place = (p["direction"], b)
            values = [start.reshape(shape)[place] for start in starts]
            length = int(p["lengths"][b])
            for i in range(p["steps"]):
                t = length - 1 - i if i < length and p["reverse"] else i
                if i < length:
                    values = list(step.function(p, x[t, b], values[0], values[-1]))
                if p["whole"]:
                    row = values[0] if i < length else 0
                    out.reshape(p["steps"], *shape)[(t, *place)] = row
            for end, value in zip(ends, values, strict=False):
                end.reshape(shape)[place] = value

    def scratch_bytes(p: Params) -> int:
        return 4 * gates * int(p["hidden"])

    def examples(rng: np.random.Generator) -> tuple[Example, ...]:
        return tuple(_example(rng, case, gates, biases, states) for case in CASES)

    return Kernel(
        name,
        "tms_recurrent_f32_params",
        FIELDS,
        reference,
        examples,
        scratch_bytes=scratch_bytes,
        replaces=tuple((1 + k, 1 + k) for k in range(states)),
    )


CASES: tuple[dict[str, Any], ...] = (
    {"steps": 4, "batch": 1, "in_n": 3, "hidden": 2},
    {"steps": 3, "batch": 2, "in_n": 2, "hidden": 3, "reverse": 1, "lengths": (3, 1)},
    {"steps": 2, "batch": 1, "in_n": 1, "hidden": 4, "directions": 2, "direction": 1, "variant": 1},
    {"steps": 3, "batch": 1, "in_n": 2, "hidden": 2, "whole": 0, "peeps": 1, "clip": 0.5},
    {"steps": 3, "batch": 1, "in_n": 2, "hidden": 2, "cell_clip": 0.25},
    {"steps": 2, "batch": 1, "in_n": 2, "hidden": 2, "activation": (3, 2, 4), "special": True},
)


def _example(
    rng: np.random.Generator, case: dict[str, Any], gates: int, biases: int, states: int
) -> Example:
    def random(*shape: int) -> Array:
        return rng.standard_normal(shape, dtype=np.float32)

    usual: dict[str, Any] = {
        "direction": 0, "directions": 1, "reverse": 0, "whole": 1, "peeps": 0, "variant": 0,
        "activation": (0, 1, 1), "clip": np.inf, "cell_clip": np.inf,
    }  # fmt: skip
    p = {**usual, **case}
    n, special = p["hidden"], p.pop("special", False)
    p["lengths"] = np.array(p.get("lengths", (p["steps"],) * p["batch"]), np.int32)
    p |= {"w": random(gates * n, p["in_n"]), "r": random(gates * n, n), "bias": random(biases * n)}
    p["peepholes"] = random(3 * n)
    x = random(p["steps"], p["batch"], p["in_n"])
    if special:
        x.reshape(-1)[:3] = np.nan, 1e-42, 3e38
    state = (p["directions"], p["batch"], n)
    inputs = (x, *(random(*state) for _ in range(states)))
    whole = (p["steps"], *state)
    return Example(p, inputs, whole, "float32", ((state, "float32"),) * states)


def step(p: Params, x: F32, h: F32, c: F32) -> tuple[F32, F32]:
    """The activated sums."""
    new = gate(p, 0, gate_sums(p, x, h))
    return new, new


KERNELS = (recurrent("tms_rnn_f32", 1, 1, Step(step), states=1),)
