"""Biases of products in integers: in units of input scale x weight scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.operand import Const

Array = npt.NDArray[Any]


def int64_bias(operand: object, units: Array) -> Array | None:
    """A bias for sums of 64 bits, in units of input scale x weight scale."""
    if operand is None:
        return np.zeros(units.size, np.int64)
    if not isinstance(operand, Const):
        return None
    if operand.scale is not None and not np.any(operand.along(operand.zero_point)):
        scale = np.broadcast_to(operand.scale, units.shape)
        if np.allclose(scale, units, rtol=1e-5, atol=0):
            return operand.stored.reshape(-1).astype(np.int64)
    exact = np.rint(operand.real.reshape(-1).astype(np.float64) / units)
    return None if np.abs(exact).max(initial=0) >= 2**46 else exact.astype(np.int64)


def int32_bias(operand: object, scales: Array) -> Array | None:
    """A bias in units of input scale x weight scale; None where it is no constant or too large."""
    if operand is None:
        return np.zeros(scales.size, np.int32)
    if not isinstance(operand, Const):
        return None
    flat = operand.stored.reshape(-1)
    if operand.stored.dtype == np.int32 and operand.scale is not None:
        same = np.allclose(np.broadcast_to(operand.scale, scales.shape), scales, rtol=1e-5, atol=0)
        if same and not np.any(operand.along(operand.zero_point)):
            return flat.astype(np.int32)
    units = np.rint(operand.real.reshape(-1).astype(np.float64) / scales)
    if np.abs(units).max(initial=0) >= 2**31:
        return None
    return units.astype(np.int32)
