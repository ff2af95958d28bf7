"""What the translation of an operator is.

A file in `operators/` holds TRANSLATORS: functions by the schema's name of the operator, each
of which writes one site (an operator with its tensors) into the ONNX graph.
"""

from __future__ import annotations

import importlib
import pkgutil
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.errors import ModelError, Unsupported
from studio.model.importers.tflite.file import DAMAGED, OperatorInfo, TensorInfo
from studio.model.importers.tflite.graph import FIRST_AXIS, TO_FIRST, Graph

Array = npt.NDArray[Any]
_WITHOUT_RESULT = frozenset({"CALL_ONCE", "ASSIGN_VARIABLE"})
ACTIVATIONS = "tms.activations"  # how they become integers, in the metadata of a node
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


class Site:
    """An operator of the file as its translator sees it.

    Attributes:
        graph: the ONNX graph under construction.
        kind: the schema's name of the operator.
        name: of its first output.
        options: the schema's options object, or None; `option` reads it with care.
        intermediates: what the file says about tensors that the operator keeps to itself.
    """

    def __init__(self, graph: Graph, operator: OperatorInfo) -> None:
        self.graph = graph
        self.kind = operator.kind
        self.intermediates = tuple(graph.tensors[index] for index in operator.intermediates)
        self._inputs = operator.inputs
        self._outputs = operator.outputs
        if not operator.outputs and self.kind not in _WITHOUT_RESULT:
            raise ModelError(f"{self.kind} has no output", graph.where, DAMAGED)
        self.options = operator.options
        self._made: set[str] = set()
        self.name = graph.name_of(operator.outputs[0]) if operator.outputs else self.kind.lower()

    # ---- what the file says -----------------------------------------------------------------

    def option(self, name: str, default: Any = None) -> Any:
        """An option by the schema's name; without a default it must be there."""
        reader = getattr(self.options, name, None)
        if reader is not None:
            return self._read(reader)
        if default is None:
            raise self.refused(f"its options lack {name}", DAMAGED)
        return default

    def _read(self, reader: Callable[[], Any]) -> Any:
        try:
            return reader()
        except struct.error:
            raise self.refused("its options lie outside of the file", DAMAGED) from None

    @property
    def input_count(self) -> int:
        """How many inputs there are, those left out at the end not counted."""
        return len(self._inputs)

    def index(self, number: int) -> int:
        """The tensor index of an input.

        Raises:
            ModelError: it is not there.
        """
        if number >= len(self._inputs) or self._inputs[number] < 0:
            raise self.refused(f"input {number} is missing", DAMAGED)
        return self._inputs[number]

    def has(self, number: int) -> bool:
        """Whether an optional input is there."""
        return number < len(self._inputs) and self._inputs[number] >= 0

    def tensor(self, number: int = 0) -> TensorInfo:
        """What the file says about an input."""
        return self.graph.tensors[self.index(number)]

    def result(self, number: int = 0) -> TensorInfo:
        """What the file says about an output."""
        return self.graph.tensors[self._outputs[number]]

    def output_index(self, number: int = 0) -> int:
        """The tensor index of an output."""
        return self._outputs[number]

    @property
    def output_count(self) -> int:
        """How many outputs there are."""
        return len(self._outputs)

    def known(self, number: int) -> Array:
        """A constant input: its real values, or integers that are no quantised ones.

        Raises:
            Unsupported: it is computed at run time.
        """
        array = self.graph.constant_of(self.index(number))
        if array is None:
            raise self.refused(
                f"input {number} is computed at run time", "only a constant is supported there"
            )
        return array

    def integers(self, number: int) -> tuple[int, ...]:
        """A constant input as a flat list of integers, such as axes or a shape."""
        array = self.known(number)
        if array.dtype.kind not in "iu" or array.size > 4096:
            raise self.refused(f"input {number} is no list of integers", DAMAGED)
        return tuple(int(value) for value in array.reshape(-1))

    def axes(self, values: tuple[int, ...], rank: int) -> tuple[int, ...]:
        """Axes counted from the front.

        Raises:
            ModelError: one is not there.
        """
        if any(not -rank <= axis < rank for axis in values):
            raise self.refused(f"axes {list(values)} of {rank}", DAMAGED)
        return tuple(axis % rank for axis in values)

    def refused(self, why: str, hint: str = "") -> Unsupported:
        """The error that refuses this site."""
        return Unsupported(f"{self.kind}: {why}", f"{self.graph.where}: '{self.name}'", hint)

    # ---- layouts ----------------------------------------------------------------------------

    def prefers_first(self) -> bool:
        """Whether an input of four axes is known with channels first."""
        return any(
            self.has(number) and self.graph.known_first(self._inputs[number])
            for number in range(len(self._inputs))
        )

    def axis_in(self, axis: int, first: bool) -> int:
        """Where a TFLite axis is."""
        return FIRST_AXIS[axis] if first else axis

    # ---- the ONNX side ----------------------------------------------------------------------

    def x(self, number: int = 0, first: bool = False) -> str:
        """The real values of an input."""
        return self.graph.read(self.index(number), first)

    def emit(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return its output."""
        return self.emit_many(op_type, 1, *inputs, **attributes)[0]

    def emit_many(self, op_type: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node with several outputs."""
        name = f"{self.name}/{op_type.lower()}"
        made = self.graph.node(op_type, list(inputs), name, outputs, **attributes)
        self._made.update(made)
        return made

    def const(self, array: Any, dtype: Any, name: str) -> str:
        """A constant of this site."""
        return self.graph.constant(np.asarray(array, dtype), f"{self.name}.{name}")

    def reshaped(self, value: str, shape: tuple[int, ...]) -> str:
        """A value under another shape."""
        return self.emit("Reshape", value, self.const(shape, np.int64, "shape"), allowzero=1)

    def done(self, value: str, first: bool = False, output: int = 0, view: bool = False) -> None:
        """Say which value an output is.

        Args:
            value: its real values.
            first: whether they have channels first.
            output: its number.
            view: whether it is the first input's elements, moved about or not.
        """
        index, result = self._outputs[output], self.result(output)
        if result.quantized and result.dtype == "int32" and not (view or self.kind == "QUANTIZE"):
            raise self.refused("a quantised result of 32 bits", "use int16 or int8")
        if value in self._made:
            self._made.remove(value)
            self.graph.rename(value, self.graph.name_of(index))
            value = self.graph.name_of(index)
        self.graph.write(index, value, first, self._inputs[0] if view else -1)

    def operand(self, number: int, first: bool) -> str:
        """An operand that is broadcast, with as many axes as channels first needs."""
        index, tensor = self.index(number), self.tensor(number)
        if not first or len(tensor.shape) == 4:
            return self.graph.read(index, first)
        shape = (1,) * (4 - len(tensor.shape)) + tensor.shape
        if tensor.data is not None and len(tensor.shape) == 0:
            return self.graph.read(index)
        value = self.reshaped(self.graph.read(index), shape)
        return self.emit("Transpose", value, perm=TO_FIRST)

    def result_prefers_first(self) -> bool:
        """Whether a broadcast result of four axes has channels first."""
        return len(self.result().shape) == 4 and self.prefers_first()

    def bias(self, number: int, of: int = 0) -> str:
        """The bias of a product of input `of` and the weights, input 1.

        Its scale is the product of theirs, whatever the file says, as TFLite takes it.
        """
        tensor, x, weights = self.tensor(number), self.tensor(of), self.tensor(1)
        if tensor.data is None or tensor.dtype not in ("int32", "int64"):
            return self.x(number)
        if not x.quantized or x.scales is None or weights.scales is None:
            raise self.refused("an integer bias without scales", DAMAGED)
        if np.abs(tensor.data, dtype=np.int64).max(initial=0) >= 1 << 31:
            raise self.refused("a bias beyond 32 bits has no form in ONNX")
        name = self.graph.name_of(self.index(number))
        stored = self.graph.constant_tensor(tensor.data.astype(np.int32), self.index(number))
        return self.graph.dequantized(stored, x.scales * weights.scales, None, f"{name}/dequantize")

    def mark_if_hybrid(self, asymmetric: bool) -> None:
        """Say of the last node, a product of input 0 and weights 1, how its integers come about.

        Where weights alone are integers, TFLite quantises the activations at run time.
        """
        x, weights = self.tensor(0), self.tensor(1)
        if x.dtype == "float32" and weights.quantized and weights.data is not None:
            self.graph.annotate({ACTIVATIONS: "asymmetric" if asymmetric else "symmetric"})

    # ---- fused activations ------------------------------------------------------------------

    def activated(self, value: str) -> str:
        """A value behind the activation that the options name."""
        import tflite

        kinds = tflite.ActivationFunctionType
        kind = self.option("FusedActivationFunction")
        if kind == kinds.NONE:
            return value
        if kind == kinds.RELU:
            return self.emit("Relu", value)
        if kind in (kinds.RELU6, kinds.RELU_N1_TO_1):
            return self.clipped(value, *((0.0, 6.0) if kind == kinds.RELU6 else (-1.0, 1.0)))
        if kind == kinds.TANH and not self.result().quantized:
            return self.emit("Tanh", value)
        raise self.refused(f"fused activation number {kind} is not supported")

    def activated_if_any(self, value: str) -> str:
        """The same for operators whose options may lack an activation."""
        if hasattr(self.options, "FusedActivationFunction"):
            return self.activated(value)
        return value

    def clipped(self, value: str, low: float, high: float) -> str:
        """Clip between bounds, which are put on the output's grid where it has one."""
        bounds = (self._on_grid(low), self._on_grid(high))
        names = [
            self.const(bound, np.float32, name)
            for bound, name in zip(bounds, ("min", "max"), strict=True)
        ]
        return self.emit("Clip", value, *names)

    def _on_grid(self, bound: float) -> float:
        """A bound as TFLite quantises it, half away from zero.

        The exact bound stays wherever rounding it half to even gives the same.
        Formula: CalculateActivationRangeQuantized in TFLite's kernels/kernel_util.cc.
        """
        tensor = self.result()
        if not tensor.quantized or tensor.scales is None or tensor.zero_points is None:
            return bound
        scale, zero_point = tensor.scales[0], int(tensor.zero_points[0])
        steps = float(np.float32(bound) / scale)
        away = int(np.copysign(np.floor(abs(steps) + 0.5), steps))
        low, high = _LIMITS[tensor.dtype]
        if away == int(np.rint(np.float64(bound) / scale)) or not low <= away + zero_point <= high:
            return bound
        return float(np.float64(scale) * away)


Translator = Callable[[Site], None]


@cache
def translators() -> dict[str, Translator]:
    """All translators by the schema's name: every module of `operators/`."""
    import studio.model.importers.tflite.operators as room

    found: dict[str, Translator] = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        found.update(getattr(module, "TRANSLATORS", {}))
    return found
