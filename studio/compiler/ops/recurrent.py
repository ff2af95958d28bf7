"""LSTM, GRU and RNN in float: a call for each direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compiler import layout
from studio.compiler.kernels.rnn_f32 import ACTIVATIONS
from studio.compiler.operand import Const, Tensor
from studio.compiler.operator import Operand, Operator, Site
from studio.compiler.ops.shape import permuted
from studio.model.recurrent import CELL_CLIP

if TYPE_CHECKING:
    from studio.compiler.lower import Lowering

Real = npt.NDArray[np.float32]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


def lower_recurrent(site: Site, lowering: Lowering) -> tuple[Tensor, ...]:
    """Y, the last state and, of LSTM, the last cell."""
    site = lowering.in_float(site, "it has no form in integers")
    batch_first = bool(site.attributes.get("layout", 0))
    x = site.tensor()
    x = permuted(lowering, x, (1, 0, 2)) if batch_first else x
    x = lowering.laid_out(x, layout.plain(x.shape))
    steps, batch, _ = x.shape
    directions, hidden = site.const(2).shape[0], site.const(2).shape[2]
    state = (directions, batch, hidden)
    states = 2 if site.op_type == "LSTM" else 1
    starts = [
        _start(site, lowering, site.optional(5 + k), state, batch_first) for k in range(states)
    ]
    ends = [_new(lowering, f"{site.name}_state{k}", state) for k in range(states)]
    whole = 0 in site.wanted
    out = _new(lowering, site.output, (steps, *state)) if whole else ends[0]
    for direction in range(directions):
        params = _params(site, x.shape, direction)
        params["whole"] = int(whole)
        macs = batch * steps * (params["w"].size + params["r"].size)
        kernel = f"tms_{site.op_type.lower()}_f32"
        lowering.call(kernel, (x, *starts), (out, *ends), params, macs)
    if batch_first:
        out = permuted(lowering, out, (2, 0, 1, 3)) if whole else out
        ends = [permuted(lowering, end, (1, 0, 2)) for end in ends]
    return (out, *ends)


def _new(lowering: Lowering, name: str, shape: tuple[int, ...]) -> Tensor:
    return lowering.result(name, shape, layout.plain(shape), "float32")


def _start(
    site: Site,
    lowering: Lowering,
    given: Operand | None,
    shape: tuple[int, ...],
    batch_first: bool,
) -> Tensor | str:
    """An initial state; zeros where there is none."""
    if isinstance(given, Tensor):
        given = permuted(lowering, given, (1, 0, 2)) if batch_first else given
        return lowering.laid_out(given, layout.plain(shape))
    zeros = np.zeros(shape, np.float32)
    real = zeros if given is None else given.real
    if given is not None and batch_first:
        real = real.transpose(1, 0, 2)
    return lowering.constant(f"{site.name}_start", np.ascontiguousarray(real).reshape(-1))


def _params(site: Site, x_shape: tuple[int, ...], direction: int) -> dict[str, Any]:
    steps, batch, in_n = x_shape
    w, r = site.const(1).real[direction], site.const(2).real[direction]
    gates, hidden = GATES[site.op_type], r.shape[1]
    bias = np.zeros(2 * gates * hidden, np.float32)
    if site.optional(3) is not None:
        bias = site.const(3).real[direction]
    peepholes = site.optional(7) if site.op_type == "LSTM" else None
    if isinstance(peepholes, Tensor):
        raise site.refused("peepholes that are computed at run time", "make them constant")
    which = site.attributes.get("direction", "forward")
    usual: dict[str, Any] = site.attributes
    variant = "input_forget" if site.op_type == "LSTM" else "linear_before_reset"
    return {
        "steps": steps,
        "batch": batch,
        "in_n": in_n,
        "hidden": hidden,
        "direction": direction,
        "directions": 2 if which == "bidirectional" else 1,
        "reverse": int(which == "reverse" or direction == 1),
        "peeps": int(peepholes is not None),
        "variant": int(usual.get(variant, 0)) if site.op_type != "RNN" else 0,
        "activation": _activations(site, direction),
        "clip": float(usual.get("clip") or np.inf),
        "cell_clip": _cell_clip(site),
        "lengths": _lengths(site, steps, batch),
        "w": w,
        "r": r,
        "bias": _biases(site.op_type, bias.reshape(2, gates, hidden)),
        "peepholes": bias[:1] if peepholes is None else peepholes.real[direction],
    }


def _cell_clip(site: Site) -> float:
    """The bound that the node's metadata put on the cell state."""
    try:
        bound = float(site.metadata.get(CELL_CLIP, np.inf))
    except ValueError:
        bound = math.nan
    if not bound > 0:
        raise site.refused(f"a cell state clipped to {site.metadata[CELL_CLIP]!r}")
    return bound


def _biases(op_type: str, both: Real) -> Real:
    """Those of input and state in one; the candidate of GRU keeps its two."""
    added = both[0] + both[1]
    if op_type == "GRU":
        added = np.concatenate((added[:2], both[:, 2]))
    flat: Real = added.reshape(-1)
    return flat


def _activations(site: Site, direction: int) -> tuple[int, int, int]:
    """Of gates, candidate and output, by the kernel's numbers."""
    usual = USUAL[site.op_type]
    given = site.attributes.get("activations") or usual * 2
    names = tuple(str(name) for name in given)[len(usual) * direction :][: len(usual)]
    shaped = site.attributes.get("activation_alpha") or site.attributes.get("activation_beta")
    if shaped or not set(names) <= {*ACTIVATIONS} - {"Affine"}:
        raise site.refused(
            f"activations {', '.join(names)}" + (" with parameters" if shaped else ""),
            "Sigmoid, Tanh, Relu and HardSigmoid without parameters are supported",
        )
    first, second, third = ([ACTIVATIONS.index(name) for name in names] + [1, 1])[:3]
    return first, second, third


def _lengths(site: Site, steps: int, batch: int) -> npt.NDArray[np.int32]:
    given = site.optional(4)
    if given is None:
        return np.full(batch, steps, np.int32)
    if not isinstance(given, Const):
        raise site.refused("lengths that are computed at run time", "make them constant")
    return given.stored.reshape(-1).astype(np.int32)


OPERATORS = (Operator(tuple(GATES), lower_recurrent),)
