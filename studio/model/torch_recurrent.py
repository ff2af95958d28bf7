"""GRU and LSTM of ONNX in torch: torch's own loop where it computes the same, else step by step.

Shapes: X [S, T, N, I], W [1, D, gates H, I], R [1, D, gates H, H], B [1, D, 2 gates H] with S
samples, T time steps, the graph's batch N, D directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studio.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

Attributes = Mapping[str, Any]


def gru(
    a: Attributes,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Y [S, T, D, N, H] and the last state [S, D, N, H]; ONNX orders the gates z, r, h."""
    import torch

    _refuse(a, "GRU", lengths)
    inputs, hidden, weights = _prepared(a, x, (w, r, b), (1, 0, 2), 3, h)
    if a.get("linear_before_reset", 0):
        two = a.get("direction") == "bidirectional"
        out, last = torch.gru(inputs, hidden, weights, True, 1, 0.0, False, two, False)
        return _restored(x, out, last)
    parts = [
        _gru_steps(inputs, hidden[d], weights[4 * d : 4 * d + 4], d) for d in range(w.shape[1])
    ]
    out = torch.cat([part[0] for part in parts], -1)
    return _restored(x, out, torch.stack([part[1] for part in parts]))


def lstm(
    a: Attributes,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
    c: Tensor | None = None,
    peepholes: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Y [S, T, D, N, H], the last state and cell [S, D, N, H]; ONNX orders the gates i, o, f, c."""
    import torch

    _refuse(a, "LSTM", lengths)
    if peepholes is not None and bool((peepholes != 0).any()):
        raise ModelError(
            "peepholes are not trained", "LSTM", "quantise or prune it without training instead"
        )
    inputs, hidden, weights = _prepared(a, x, (w, r, b), (0, 2, 3, 1), 4, h)
    cell = _state(c, inputs, w.shape[1], hidden.shape[-1])
    two = a.get("direction") == "bidirectional"
    out, last, last_cell = torch.lstm(
        inputs, (hidden, cell), weights, True, 1, 0.0, False, two, False
    )
    restored = _restored(x, out, last)
    return *restored, _restored(x, out, last_cell)[1]


def _refuse(a: Attributes, kind: str, lengths: Tensor | None) -> None:
    if a.get("activations") and [s.lower() for s in a["activations"]] not in _usual(kind):
        raise ModelError(
            "unusual activations are not trained",
            kind,
            "quantise or prune it without training instead",
        )
    if lengths is not None or a.get("layout", 0) or a.get("clip") is not None:
        raise ModelError(
            "sequence lengths, layout 1 and clipping are not trained",
            kind,
            "quantise or prune it without training instead",
        )
    if a.get("input_forget", 0) or a.get("direction", "forward") == "reverse":
        raise ModelError(
            "coupled gates and running backwards only are not trained",
            kind,
            "quantise or prune it without training instead",
        )


def _usual(kind: str) -> list[list[str]]:
    one = ["sigmoid", "tanh"] if kind == "GRU" else ["sigmoid", "tanh", "tanh"]
    return [one, one * 2]


def _prepared(
    a: Attributes,
    x: Tensor,
    constants: tuple[Tensor, Tensor, Tensor | None],
    order: tuple[int, ...],
    gates: int,
    h: Tensor | None,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Time-major inputs [T, S N, I], the state [D, S N, H], weights in torch's order of gates."""
    import torch

    w, r, b = (None if v is None else v[0] for v in constants)
    assert w is not None and r is not None
    size = r.shape[-1]
    rows = torch.cat([torch.arange(g * size, (g + 1) * size) for g in order])
    bias = torch.zeros(len(w), 2 * gates * size) if b is None else b
    weights = []
    for direction in range(len(w)):
        weights += [w[direction][rows], r[direction][rows]]
        weights += [bias[direction][rows], bias[direction][rows + gates * size]]
    inputs = x.transpose(0, 1).flatten(1, 2)
    return inputs, _state(h, inputs, len(w), size), weights


def _state(h: Tensor | None, inputs: Tensor, directions: int, size: int) -> Tensor:
    """The first state [D, S N, H] from [S or 1, D, N, H]."""
    import torch

    count = inputs.shape[1]
    if h is None:
        return torch.zeros(directions, count, size)
    samples = count // h.shape[2]
    return h.expand(samples, *h.shape[1:]).transpose(0, 1).flatten(1, 2).contiguous()


def _restored(x: Tensor, out: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """[T, S N, D H] as [S, T, D, N, H] and [D, S N, H] as [S, D, N, H]."""
    samples, steps, batch = x.shape[:3]
    size = last.shape[-1]
    y = out.reshape(steps, samples, batch, -1, size).permute(1, 0, 3, 2, 4)
    return y, last.reshape(-1, samples, batch, size).transpose(0, 1)


def _gru_steps(
    inputs: Tensor, h: Tensor, weights: list[Tensor], direction: int
) -> tuple[Tensor, Tensor]:
    """A GRU that resets the state before its product (linear_before_reset = 0)."""
    import torch

    w, r, wb, rb = weights
    size = h.shape[-1]
    gates = inputs @ w.T + wb
    steps = range(len(inputs)) if direction == 0 else range(len(inputs) - 1, -1, -1)
    results: dict[int, Tensor] = {}
    for t in steps:
        both = torch.sigmoid(gates[t, :, : 2 * size] + h @ r[: 2 * size].T + rb[: 2 * size])
        reset, update = both[:, :size], both[:, size:]
        state = (reset * h) @ r[2 * size :].T + rb[2 * size :]
        new = torch.tanh(gates[t, :, 2 * size :] + state)
        h = (1 - update) * new + update * h
        results[t] = h
    return torch.stack([results[t] for t in range(len(inputs))]), h
