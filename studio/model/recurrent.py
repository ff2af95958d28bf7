"""The form of a quantised recurrent layer: an ONNX Scan whose body is in QDQ form.

Importers and compression write it here, so that one lowering reads what both wrote. The
constants of a body stand in the graph around it, where they are counted as others are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx_ir

Array = npt.NDArray[Any]

CELL_CLIP = "tms.cell_clip"  # bound of an LSTM's cell state, in the node's metadata: ONNX's own
# clip is another one, of what goes into the gates' functions.


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is stored: real = scale * (stored - zero_point)."""

    scale: float
    zero_point: int = 0
    dtype: str = "int16"

    def stored(self, real: Array) -> Array:
        """Real values in integers."""
        limits = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(real, np.float64) / self.scale) + self.zero_point
        return np.asarray(np.clip(steps, limits.min, limits.max).astype(self.dtype))


@dataclass(frozen=True, eq=False)
class Product:
    """Weights int8 [outputs, inputs], their scale or scales, and a bias of 32 bits."""

    weight: Array
    scale: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a body.

    Attributes:
        kind: ONNX operator: Gemm (with transposed weights), Add, Sub, Mul, Sigmoid, Tanh.
        out: the value that it computes.
        inputs: values that it reads.
        product: of a Gemm.
        bounds: real ones, that the result is clipped to before it is rounded.
    """

    kind: str
    out: str
    inputs: tuple[str, ...]
    product: Product | None = None
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Body:
    """A time step in integers: reads x and its states, computes the next states.

    Attributes:
        operations: in order.
        states: for each state its name and the name of its next value.
        output: the value that the layer puts out.
        forms: of every value, x as well.
        shape: of every value but x, [batch, hidden].
    """

    operations: tuple[Operation, ...]
    states: tuple[tuple[str, str], ...]
    output: str
    forms: Mapping[str, Form]
    shape: tuple[int, int]


class Around(Protocol):
    """The graph that a body is written for."""

    def unused(self, name: str) -> str:
        """`name`, or the like of it, that nothing has; it is taken from now on."""

    def constant(self, role: str, array: Any) -> onnx_ir.Value:
        """A constant of the layer."""


class Writer:
    """Writes a body.

    Attributes:
        around: the graph around it.
        label: of the layer.
        prefix: of names that several bodies of a layer must not share.
    """

    def __init__(self, around: Around, label: str, prefix: str, body: Body) -> None:
        self.around = around
        self.label = label
        self.prefix = prefix
        self.body = body
        self._nodes: list[onnx_ir.Node] = []
        self._scales: dict[float, onnx_ir.Value] = {}
        self._zeros: dict[tuple[str, int], onnx_ir.Value] = {}
        self._real: dict[str, onnx_ir.Value] = {}
        self._stored: dict[str, onnx_ir.Value] = {}

    def grid(self, value: str) -> list[onnx_ir.Value]:
        """Scale and zero point of a value, one constant for all that have the same."""
        form = self.body.forms[value]
        if form.scale not in self._scales:
            role = f"{self.prefix}.{value}.scale"
            self._scales[form.scale] = self.around.constant(role, np.float32(form.scale))
        key = form.dtype, form.zero_point
        if key not in self._zeros:
            zero = np.asarray(form.zero_point, form.dtype)
            self._zeros[key] = self.around.constant(f"{self.prefix}.zero_point", zero)
        return [self._scales[form.scale], self._zeros[key]]

    def graph(
        self, x_shape: tuple[int, int], x_grid: Sequence[onnx_ir.Value] | None = None
    ) -> onnx_ir.Graph:
        """The body that reads states and one slice of the input, both as integers.

        Args:
            x_shape: of the slice.
            x_grid: scale and zero point of the input where the graph around has them already.
        """
        import onnx_ir

        inputs = [self._input(name, self.body.shape) for name, _ in self.body.states]
        inputs.append(self._input("x", x_shape, x_grid))
        for operation in self.body.operations:
            self._operation(operation)
        wanted = [*(after for _, after in self.body.states), self.body.output]
        outputs = [
            self._add("Identity", [self._stored[after]], f"{after}_out{i}", self._dtype(after))
            for i, after in enumerate(wanted)
        ]
        name = f"{self.label}/{self.prefix}/step"
        return onnx_ir.Graph(inputs, outputs, nodes=self._nodes, name=name)

    def _dtype(self, value: str) -> str:
        return self.body.forms[value].dtype

    def _input(
        self, name: str, shape: tuple[int, int], grid: Sequence[onnx_ir.Value] | None = None
    ) -> onnx_ir.Value:
        import onnx_ir

        label = self.around.unused(f"{self.label}/{self.prefix}/{name}_stored")
        kind = onnx_ir.DataType.from_numpy(np.dtype(self._dtype(name)))
        value = onnx_ir.val(label, kind, shape)
        inputs = [value, *(self.grid(name) if grid is None else grid)]
        self._real[name] = self._add("DequantizeLinear", inputs, f"{name}_real", "f4", shape)
        return value

    def _add(
        self,
        op_type: str,
        inputs: Sequence[onnx_ir.Value],
        role: str,
        dtype: str,
        shape: tuple[int, ...] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> onnx_ir.Value:
        """A node of the body with one output."""
        import onnx_ir

        name = self.around.unused(f"{self.label}/{self.prefix}/{role}")
        kind = onnx_ir.DataType.from_numpy(np.dtype(dtype))
        out = onnx_ir.val(name, kind, shape or self.body.shape)
        node = onnx_ir.node(op_type, inputs, attributes or {}, outputs=[out], name=name)
        self._nodes.append(node)
        return out

    def _operation(self, operation: Operation) -> None:
        """An operation, its result rounded to integers."""
        inputs = [self._real[name] for name in operation.inputs]
        out, attributes = operation.out, {}
        if operation.product is not None:
            inputs += self._parameters(operation, operation.product)
            attributes = {"transB": 1}
        raw = self._add(operation.kind, inputs, f"{out}_raw", "f4", attributes=attributes)
        if operation.bounds is not None:
            bounds = [
                self.around.constant(f"{self.prefix}.{out}.{role}", np.float32(bound))
                for role, bound in zip(("least", "most"), operation.bounds, strict=True)
            ]
            raw = self._add("Clip", [raw, *bounds], f"{out}_clipped", "f4")
        form, dtype = self.grid(out), self._dtype(out)
        self._stored[out] = self._add("QuantizeLinear", [raw, *form], f"{out}_{dtype}", dtype)
        self._real[out] = self._add("DequantizeLinear", [self._stored[out], *form], out, "f4")

    def _parameters(self, operation: Operation, product: Product) -> list[onnx_ir.Value]:
        """The real values of weights and bias of a Gemm."""
        step = np.float32(self.body.forms[operation.inputs[0]].scale)
        made = []
        for role, array, scale in (
            ("weight", product.weight, product.scale),
            ("bias", product.bias, (step * product.scale).astype(np.float32)),
        ):
            name = f"{self.prefix}.{operation.out}.{role}"
            stored = [self.around.constant(name, array)]
            stored.append(self.around.constant(f"{name}.scale", scale))
            attributes = {"axis": 0} if scale.ndim else {}
            role = f"{operation.out}_{role}"
            made.append(self._add("DequantizeLinear", stored, role, "f4", array.shape, attributes))
        return made
