"""LiteRT's reference kernels and TFLite Micro's interpreter as judges of generated code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.compiler.program import Buffer, Program

Array = npt.NDArray[Any]


class LiteRt:
    """ai-edge-litert with BUILTIN_REF: the judge of rounding `litert`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.reset()

    def reset(self) -> None:
        """Forget all state: its own reset leaves what has been assigned to variables by name."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._interpreter = Interpreter(
            model_content=self._data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        self._interpreter.allocate_tensors()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference from fresh state."""
        self.reset()
        return self.carry(inputs)

    def carry(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference from the state that the last one left."""
        run = self._interpreter
        for detail, x in zip(run.get_input_details(), inputs, strict=True):
            run.set_tensor(detail["index"], x)
        run.invoke()
        return [run.get_tensor(detail["index"]) for detail in run.get_output_details()]


class Micro:
    """TFLite Micro's own interpreter: the judge of rounding `double`."""

    def __init__(self, data: bytes, outputs: int = 1) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self._interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 21)
        self._outputs = outputs

    def reset(self) -> None:
        """Forget all state."""
        self._interpreter.reset()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference from fresh state."""
        self.reset()
        return self.carry(inputs)

    def carry(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference from the state that the last one left."""
        for number, x in enumerate(inputs):
            self._interpreter.set_input(x, number)
        self._interpreter.invoke()
        return [self._interpreter.get_output(number) for number in range(self._outputs)]


def draw(rng: np.random.Generator, shape: Sequence[int], dtype: Any) -> Array:
    """A random input: every stored value of 8 and 16 bits, normal reals, small integers."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(0, 1, shape).astype(kind)
    limits = np.iinfo(kind) if kind.itemsize < 4 else np.iinfo(np.int8)
    return rng.integers(limits.min, limits.max + 1, shape).astype(kind)


def as_stored(buffer: Buffer, x: Array) -> Array:
    """A judge's input as the Program takes it: uint8 lies 128 lower, quantised reals as int8."""
    if buffer.dtype == "int8" and x.dtype == np.uint8:
        x = (x ^ 0x80).view(np.int8)
    elif buffer.scale and x.dtype == np.float32:
        x = buffer.quantize(x)
    return buffer.to_physical(x.reshape(buffer.logical_shape))


def as_judged(buffer: Buffer, y: Array, judged: Array) -> Array:
    """A Program's output in the shape and type of a judge's."""
    y = buffer.to_logical(y.reshape(buffer.shape))
    if judged.dtype == np.uint8 and y.dtype == np.int8:
        y = y.view(np.uint8) ^ 0x80
    elif judged.dtype == np.float32 and buffer.scale:
        y = buffer.dequantize(y)
    return y.reshape(judged.shape)


def stored_inputs(program: Program, inputs: Sequence[Array]) -> list[Array]:
    """A judge's inputs as the Program takes them."""
    return [as_stored(b, x) for b, x in zip(program.inputs, inputs, strict=True)]
