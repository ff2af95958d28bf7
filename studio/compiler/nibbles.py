"""Weights of 4 bits, two in a byte: 16 times the second one, plus the first one, plus 8."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.program import KernelCall

Array = npt.NDArray[Any]


def fit(weights: Array) -> bool:
    """All values are from -8 to 7."""
    return bool(weights.min(initial=0) >= -8 and weights.max(initial=0) <= 7)


def rows(call: KernelCall, weights: Array) -> Array:
    """The weights of a call [filters, n] as its kernel packs them; depthwise ones [taps, n]."""
    by_taps = call.kernel.startswith("tms_depthwise2d_")
    return (
        weights.reshape(-1, call.params["out_c"]) if by_taps else weights.reshape(len(weights), -1)
    )


def packed_bytes(weights: Array) -> int:
    """What weights [filters, n] take in 4 bits."""
    filters, n = weights.shape
    return int(filters * -(-n // 2))


def packed(weights: Array) -> npt.NDArray[np.int8]:
    """Values from -8 to 7 [filters, n] as bytes [filters, (n + 1) / 2]."""
    even = np.pad(weights, ((0, 0), (0, weights.shape[1] % 2))).astype(np.int16)
    pairs: npt.NDArray[np.int8] = (16 * even[:, 1::2] + even[:, ::2] + 8).astype(np.int8)
    return pairs


def unpacked(pairs: Array, n: int) -> npt.NDArray[np.int8]:
    """Bytes [filters, (n + 1) / 2] as values from -8 to 7 [filters, n]."""
    both = np.stack(((pairs & 15) - 8, pairs >> 4), axis=-1)
    return both.reshape(len(pairs), -1)[:, :n].astype(np.int8)
