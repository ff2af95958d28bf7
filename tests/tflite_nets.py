"""TensorFlow Lite files made by hand: a few operators with any tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np


class _Schema:
    """The object form of the schema, imported where it is used: not every machine has it."""

    def __getattr__(self, name: str) -> Any:
        from ai_edge_litert import schema_py_generated

        return getattr(schema_py_generated, name)


schema = _Schema()


@dataclass
class TfliteNet:
    """Collects tensors and operators; every method that makes a tensor returns its index."""

    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "int8",
        scale: Any = None,
        zero_point: int = 0,
        data: Any = None,
        axis: int = 0,
        variable: bool = False,
    ) -> int:
        made = schema.TensorT()
        made.isVariable = variable
        made.name = f"t{len(self.tensors)}"
        made.shape = list(shape)
        made.type = getattr(schema.TensorType, dtype.upper())
        made.buffer = 0
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            grid = schema.QuantizationParametersT()
            grid.scale = scales.tolist()
            grid.zeroPoint = [zero_point] * scales.size
            grid.quantizedDimension = axis
            made.quantization = grid
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            made.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def const(self, values: Any, dtype: str = "int32", **grid: Any) -> int:
        array = np.asarray(values, dtype)
        return self.tensor(array.shape, str(array.dtype), data=array, **grid)

    def op(
        self,
        kind: str,
        inputs: list[int],
        outputs: list[int],
        options: str = "",
        custom: str = "",
        **values: Any,
    ) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1 if kind == "RESHAPE" else 2
        code.customCode = custom or None
        self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex = len(self.codes) - 1
        made.inputs, made.outputs = inputs, outputs
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, f"{options}T")()
            for key, value in values.items():
                setattr(made.builtinOptions, key, value)
        self.operators.append(made)

    def to_bytes(self, inputs: list[int], outputs: list[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = inputs, outputs
        model = schema.ModelT()
        model.version = 3
        model.subgraphs, model.operatorCodes, model.buffers = [graph], self.codes, self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def with_outputs(data: bytes, outputs: list[int]) -> bytes:
    """A file whose main graph answers with other tensors."""
    from ai_edge_litert import schema_py_generated as made

    model = made.ModelT.InitFromPackedBuf(data, 0)
    model.subgraphs[0].outputs = outputs
    model.signatureDefs = []
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
