"""LSTM, GRU and SimpleRNN over [n, time, features], from zero states."""

from __future__ import annotations

import numpy as np

from studio.model.importers.keras.file import DAMAGED, Array
from studio.model.importers.keras.site import Site

_GATES = {"SimpleRNN": (0,), "GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2)}  # ONNX's order in Keras's
_OPERATORS = {"SimpleRNN": "RNN"}


def recurrent(site: Site) -> None:
    """One layer in one direction; weights [features, gates x units], [units, gates x units]."""
    _refuse_forms(site)
    kernel, state = site.weight(0), site.weight(1)
    units = state.shape[0]
    bias = site.weight(2) if site.option("use_bias", True) else np.zeros(units * _count(site))
    double = bias.ndim == 2  # GRU with reset_after: one for the input, one for the state
    halves = np.stack([_gates(site, half) for half in (bias if double else [bias, bias * 0])])
    attributes = {"linear_before_reset": int(double)} if site.kind == "GRU" else {}
    x = site.emit("Transpose", site.x(), perm=[1, 0, 2])
    every, last, *_ = site.emit_many(
        _OPERATORS.get(site.kind, site.kind),
        2,
        x,
        site.const(_gates(site, kernel)[None], "kernel"),
        site.const(_gates(site, state)[None], "recurrent_kernel"),
        site.const(halves.reshape(1, -1), "bias"),
        hidden_size=units,
        direction="reverse" if site.option("go_backwards", False) else "forward",
        **attributes,
    )
    steps = site.shape()[1]
    if not site.option("return_sequences", False):
        site.done(site.reshaped(last, (1, units)))
    elif site.option("go_backwards", False):
        raise site.refused("all steps of a sequence that is read backwards")
    else:
        plain = site.reshaped(every, (steps, 1, units))
        site.done(site.emit("Transpose", plain, perm=[1, 0, 2]))


def _refuse_forms(site: Site) -> None:
    cell = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if site.kind == "SimpleRNN":
        cell.pop("recurrent_activation")
    for name, usual in cell.items():
        if site.option(name, usual) != usual:
            raise site.refused(f"{name} '{site.option(name)}'", f"only {usual} is supported")
    if site.option("return_state", False) or site.option("stateful", False):
        raise site.refused("states as outputs, or kept between calls")
    if len(site.sources) != 1 or len(site.shape()) != 3:
        raise site.refused("initial states are not supported")


def _count(site: Site) -> int:
    return len(_GATES[site.kind])


def _gates(site: Site, array: Array) -> Array:
    """The gates in ONNX's order, each with its units as rows."""
    if array.shape[-1] % _count(site):
        raise site.refused(f"weights of shape {array.shape}", DAMAGED)
    parts = np.split(array, _count(site), axis=-1)
    return np.concatenate([parts[gate].T for gate in _GATES[site.kind]])


TRANSLATORS = dict.fromkeys(_GATES, recurrent)
