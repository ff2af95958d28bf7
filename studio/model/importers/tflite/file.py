"""The contents of a .tflite file, checked: what the rest of the importer may rely on.

A flatbuffer is a web of offsets, any of which a damaged file may get wrong. The schema
reader checks none of them beyond the end of the file, so every index, length and size is
checked here, and what it raises on nonsense becomes one named error.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from studio.errors import ModelError

T = TypeVar("T")
Array = npt.NDArray[Any]

DAMAGED = "the file is truncated or damaged; export or copy it again"
MAX_RANK = 8
QUANTIZED_TYPES = frozenset({"int4", "int8", "uint8", "int16"})
_DTYPES = {
    "BOOL": "bool", "INT4": "int4", "INT8": "int8", "UINT8": "uint8", "INT16": "int16",
    "UINT16": "uint16", "INT32": "int32", "UINT32": "uint32", "INT64": "int64",
    "UINT64": "uint64", "FLOAT16": "float16", "FLOAT32": "float32", "FLOAT64": "float64",
}  # fmt: skip
# What the schema reader raises on offsets that lead nowhere.
_FOREIGN = (struct.error, ValueError, IndexError, TypeError, OverflowError, AttributeError)


@dataclass(frozen=True, eq=False, slots=True)
class TensorInfo:
    """A tensor of the file.

    Attributes:
        name: as in the file; may be empty and need not be unique.
        shape: sizes, none negative.
        dtype: numpy name, "int4", or the schema's name where ONNX has no such type.
        scales: float32, one or one an index of `axis`; None where values are not quantised.
        zero_points: int64, as many as scales.
        axis: of scales; without meaning for a single one.
        data: the array of a constant, int4 unpacked to int8; None for what is computed.
        variable: kept from run to run.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: npt.NDArray[np.float32] | None
    zero_points: npt.NDArray[np.int64] | None
    axis: int
    data: Array | None
    variable: bool

    @property
    def quantized(self) -> bool:
        """Whether integers stand for real values; constants of 32 bits are biases, not counted."""
        wide = self.dtype == "int32" and self.data is None
        return self.scales is not None and (wide or self.dtype in QUANTIZED_TYPES)

    def same_grid(self, other: TensorInfo) -> bool:
        """Whether both have one and the same type, scale and zero point."""
        if self.dtype != other.dtype:
            return False
        grids = (self.scales, self.zero_points), (other.scales, other.zero_points)
        return all(
            (mine is None and its is None)
            or (mine is not None and its is not None and np.array_equal(mine, its))
            for mine, its in zip(*grids, strict=True)
        )


@dataclass(frozen=True, eq=False, slots=True)
class OperatorInfo:
    """An operator of the file.

    Attributes:
        kind: the schema's name, such as CONV_2D; custom operators are "CUSTOM <name>".
        inputs: tensor indices, -1 where an optional one is left out.
        outputs: tensor indices.
        intermediates: indices of tensors that it keeps to itself (quantised LSTM).
        options: the schema's options object, or None.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Any


@dataclass(frozen=True, eq=False, slots=True)
class Contents:
    """A subgraph of a file.

    Attributes:
        once: of the main one, the subgraphs that CALL_ONCE runs, by number.
    """

    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorInfo, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    once: Mapping[int, Contents] = field(default_factory=dict)


def parse(data: bytes, where: str) -> Contents:
    """Read and check a whole file.

    Args:
        data: the file.
        where: its name, for errors.

    Raises:
        ModelError: damaged, or without a graph.
    """
    with _checked(where):
        import tflite

        model = tflite.Model.GetRootAs(data, 0)
        if model.Version() != 3:
            raise ModelError(f"schema version {model.Version()} is not supported", where, DAMAGED)
        if model.SubgraphsLength() < 1:
            raise ModelError("holds no graph", where, "it may be metadata only; export it again")
        contents = _contents(data, model, 0)
        called = {
            int(operator.options.InitSubgraphIndex())
            for operator in contents.operators
            if operator.kind == "CALL_ONCE" and operator.options is not None
        }
        there = range(1, model.SubgraphsLength())
        once = {number: _contents(data, model, number) for number in called if number in there}
        contents = replace(contents, once=once)
    if not contents.operators:
        raise ModelError("holds no operators", where, "it may be metadata only; export it again")
    if not contents.outputs:
        raise ModelError("has no outputs", where, DAMAGED)
    return contents


def _contents(data: bytes, model: Any, number: int) -> Contents:
    graph = model.Subgraphs(number)
    reader = _Reader(data, model, graph)
    return Contents(
        tensors=tuple(reader.each(graph.TensorsLength(), reader.tensor)),
        operators=tuple(reader.each(graph.OperatorsLength(), reader.operator)),
        inputs=reader.indices(graph.InputsLength(), graph.Inputs),
        outputs=reader.indices(graph.OutputsLength(), graph.Outputs),
    )


@contextmanager
def _checked(where: str) -> Iterator[None]:
    try:
        yield
    except _Damage as error:
        raise ModelError(f"is no valid TensorFlow Lite model: {error}", where, DAMAGED) from None
    except _FOREIGN as error:
        reason = f"an offset leads nowhere ({type(error).__name__})"
        raise ModelError(f"is no valid TensorFlow Lite model: {reason}", where, DAMAGED) from None


class _Damage(Exception):
    """Contents that contradict each other."""


class _Reader:
    """Turns tables of the schema into checked records."""

    def __init__(self, data: bytes, model: Any, graph: Any) -> None:
        self._data = data
        self._model = model
        self._graph = graph
        self._kinds = tuple(self.each(model.OperatorCodesLength(), self._kind))

    def each(self, count: int, read: Callable[[int], T]) -> Iterator[T]:
        """Every entry of a vector; each takes at least one byte of the file."""
        if count > len(self._data):
            raise _Damage(f"a list of {count} entries")
        return map(read, range(count))

    def indices(
        self, count: int, read: Callable[[int], int], optional: bool = False
    ) -> tuple[int, ...]:
        """Tensor indices."""
        found = tuple(int(index) for index in self.each(count, read))
        if any(
            not (-1 if optional else 0) <= index < self._graph.TensorsLength() for index in found
        ):
            raise _Damage("a tensor that is not there")
        return found

    def _kind(self, index: int) -> str:
        code = self._model.OperatorCodes(index)
        number = max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))
        name = _names("BuiltinOperator").get(number, f"number {number}")
        if name != "CUSTOM":
            return name
        return f"CUSTOM {(code.CustomCode() or b'?').decode('utf-8', 'replace')}"

    def operator(self, index: int) -> OperatorInfo:
        operator = self._graph.Operators(index)
        code = int(operator.OpcodeIndex())
        if code >= len(self._kinds):
            raise _Damage("an operator code that is not there")
        return OperatorInfo(
            self._kinds[code],
            self.indices(operator.InputsLength(), operator.Inputs, optional=True),
            self.indices(operator.OutputsLength(), operator.Outputs),
            self.indices(operator.IntermediatesLength(), operator.Intermediates),
            _options(operator),
        )

    def tensor(self, index: int) -> TensorInfo:
        tensor = self._graph.Tensors(index)
        name = (tensor.Name() or b"").decode("utf-8", "replace")
        shape = tuple(int(n) for n in self.each(tensor.ShapeLength(), tensor.Shape))
        if len(shape) > MAX_RANK or any(size < 0 for size in shape):
            raise _Damage(f"tensor '{name}' of shape {list(shape)}")
        if tensor.Sparsity() is not None:
            raise ModelError("sparse weights are not supported", name, "export dense weights")
        kind = _names("TensorType").get(int(tensor.Type()), f"type {int(tensor.Type())}")
        dtype = _DTYPES.get(kind, kind)
        data = self._array(name, self._buffer(int(tensor.Buffer())), shape, dtype)
        scales, zero_points, axis = self._grid(name, tensor.Quantization(), shape, dtype)
        variable = bool(tensor.IsVariable())
        return TensorInfo(name, shape, dtype, scales, zero_points, axis, data, variable)

    def _grid(
        self, name: str, table: Any, shape: tuple[int, ...], dtype: str
    ) -> tuple[Any, Any, int]:
        """Scales, zero points and their axis; a single 0 of a real tensor stands for none."""
        if table is None or not table.ScaleLength():
            return None, None, 0
        scales = np.array(list(self.each(table.ScaleLength(), table.Scale)), np.float32)
        zeros = np.array(list(self.each(table.ZeroPointLength(), table.ZeroPoint)), np.int64)
        if zeros.size == 0:
            zeros = np.zeros(scales.size, np.int64)
        axis = int(table.QuantizedDimension())
        if zeros.size != scales.size or not np.isfinite(scales).all() or (scales < 0).any():
            raise _Damage(f"the scales of tensor '{name}'")
        if not scales.all():
            if dtype not in QUANTIZED_TYPES and scales.size == 1:
                return None, None, 0
            raise _Damage(f"the scales of tensor '{name}'")
        if scales.size == 1:
            return scales, zeros, 0
        if not 0 <= axis < len(shape):
            # Old converters left the weights' axis on the bias, whose one axis is meant.
            if len(shape) != 1:
                raise _Damage(f"the scales of tensor '{name}' along axis {axis}")
            axis = 0
        if scales.size > 1 and scales.size != shape[axis]:
            raise _Damage(f"tensor '{name}' has {scales.size} scales for {shape[axis]} channels")
        return scales, zeros, axis

    def _buffer(self, index: int) -> Array | None:
        """The bytes of a constant; None where the buffer is empty."""
        if index >= self._model.BuffersLength():
            raise _Damage("a buffer that is not there")
        buffer = self._model.Buffers(index)
        offset, size = int(buffer.Offset()), int(buffer.Size())
        if offset > 1:  # large models keep the data behind the flatbuffer
            if offset + size > len(self._data):
                raise _Damage("a buffer behind the end of the file")
            return np.frombuffer(self._data, np.uint8, size, offset)
        if not buffer.DataLength():
            return None
        return np.asarray(buffer.DataAsNumpy())

    def _array(
        self, name: str, content: Array | None, shape: tuple[int, ...], dtype: str
    ) -> Array | None:
        if content is None or dtype not in _DTYPES.values():
            return None
        n = math.prod(shape)
        if dtype == "int4":
            size, raw = (n + 1) // 2, content
        else:
            size, raw = n * np.dtype(dtype).itemsize, content
        if raw.size < size or (raw.size > size and dtype != "int4"):
            raise _Damage(f"tensor '{name}' needs {size} bytes, there are {raw.size}")
        if dtype != "int4":
            return np.frombuffer(raw.tobytes(), dtype).reshape(shape)
        nibbles = np.stack([raw << 4, raw & 0xF0], -1).reshape(-1)[:n]
        return (nibbles.view(np.int8) >> 4).reshape(shape)


def _options(operator: Any) -> Any:
    """The options object of an operator, as the file names it; None where there is none."""
    import tflite

    table = operator.BuiltinOptions()
    name = _names("BuiltinOptions").get(int(operator.BuiltinOptionsType()), "NONE")
    if table is None or name == "NONE":
        return None
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return options


@cache
def _names(enumeration: str) -> dict[int, str]:
    """Names of an enumeration of the schema by number."""
    import tflite

    values = vars(getattr(tflite, enumeration))
    return {number: name for name, number in values.items() if isinstance(number, int)}
