"""What operators are lowered on: tensors in the arena and constants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.layout import Layout, Shape

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Quant:
    """real = scale * (stored - zero_point), one for a whole int8, int16 or int32 tensor."""

    scale: float
    zero_point: int
    dtype: str = "int8"

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest stored value."""
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    def stored(self, real: float) -> int:
        """The integer value of a real one, rounded half to even, saturating."""
        value = np.rint(np.float64(real) / self.scale) + self.zero_point
        return int(np.clip(value, *self.limits))

    def real(self, stored: Array) -> npt.NDArray[np.float32]:
        """Real values of stored ones."""
        return (stored - self.zero_point).astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True)
class Tensor:
    """A tensor in the arena.

    Attributes:
        shape: the ONNX shape.
        buffer: index of the buffer that holds it; views share one.
        layout: how it lies there.
        dtype: numpy name of what is stored.
        quant: set where integers stand for real values.
    """

    shape: Shape
    buffer: int
    layout: Layout
    dtype: str
    quant: Quant | None = None

    def reshaped(self, shape: Shape) -> Tensor:
        """The same bytes under another shape."""
        return replace(self, shape=shape)


@dataclass(frozen=True, eq=False)
class Const:
    """A constant: real values, or integers with their scale.

    Attributes:
        name: of the initialiser.
        stored: the array as the model holds it.
        scale, zero_point: None for real values; else scalars or one value for each index of `axis`.
        axis: of a scale for each channel.
        bits: that every stored value fits; int4 is kept in bytes until kernels take it packed.
    """

    name: str
    stored: Array
    scale: Array | None = None
    zero_point: Array | None = None
    axis: int = 0
    bits: int = 8

    @classmethod
    def of(cls, name: str, array: Array) -> Const:
        """A constant as a model holds it."""
        narrow = {"int4": np.int8, "uint4": np.uint8}.get(array.dtype.name)
        return cls(name, array) if narrow is None else cls(name, array.astype(narrow), bits=4)

    @property
    def shape(self) -> Shape:
        """The ONNX shape."""
        return self.stored.shape

    @cached_property
    def real(self) -> npt.NDArray[np.float32]:
        """The real values."""
        if self.scale is None:
            return self.stored.astype(np.float32)
        difference = self.stored.astype(np.int64) - self.along(self.zero_point)
        real: npt.NDArray[np.float32] = (difference * self.along(self.scale)).astype(np.float32)
        return real

    def centred(self) -> npt.NDArray[np.int8] | None:
        """Stored - zero_point where that fits int8, the form that kernels take; else None."""
        if self.scale is None or self.stored.dtype not in (np.int8, np.uint8):
            return None
        difference = self.stored.astype(np.int16) - self.along(self.zero_point).astype(np.int16)
        if difference.size and (difference.min() < -128 or difference.max() > 127):
            return None
        return difference.astype(np.int8)

    def scales(self, axis: int) -> npt.NDArray[np.float64] | None:
        """One scale for each index of `axis`, or None where they run along another one."""
        if self.scale is None or (self.scale.size > 1 and self.axis % self.stored.ndim != axis):
            return None
        return np.broadcast_to(self.scale.astype(np.float64).ravel(), (self.shape[axis],))

    def along(self, values: Array | None) -> Array:
        """Scales or zero points in a shape that broadcasts against `stored`; None is zero."""
        if values is None:
            return np.zeros((), np.int64)
        if values.size == 1:
            return values.reshape(())
        shape = [1] * self.stored.ndim
        shape[self.axis] = -1
        return values.reshape(shape)
