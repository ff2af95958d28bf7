"""Model to Program: the walk over the graph, and what operators ask for on the way.

Quantised graphs are read in their QDQ form without rewriting them. A tensor is stored as
int8 as soon as everybody who reads it quantises it alike; DequantizeLinear then costs
nothing, since it only says how the stored bytes are meant. Where an operator has no integer
form for its operands, it runs in float between a dequantise and a quantise call.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import fuse, layout
from studio.compiler.kernel import kernels
from studio.compiler.layout import Layout, Shape
from studio.compiler.operand import Array, Const, Quant, Tensor
from studio.compiler.operator import Operand, Operator, Site, operators
from studio.compiler.program import Buffer, Constant, KernelCall, Options, Program
from studio.compiler.scaling import rescaled_codes
from studio.errors import Unsupported

if TYPE_CHECKING:
    import onnx_ir

    from studio.model.model import Model

VIEWS = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout"}
)
ACTIVATIONS = frozenset({"Relu", "Clip"})
ONLY_8_BITS = "activations take one scale a tensor and 8 bits"
QUANTIZE_HINT = "quantise activations per tensor to int8 or uint8"

OnRefused = Callable[[str, Unsupported], None]


def lower(model: Model, options: Options = Options()) -> Program:  # noqa: B008 - frozen
    """Turn a model into the Program that a board runs.

    Inputs of three and four axes are laid out as the graph's kernels want them: with
    channels last or as they are, whichever leaves fewer copies; always as they are where the
    model says so, as one does that was made from TFLite.

    Args:
        model: batch 1, static shapes, float or QDQ.
        options: plan, rounding (None: what the model's metadata says, else single).

    Raises:
        Unsupported: a node that no operator lowers, naming it and the reason.
    """
    options = replace(options, rounding=options.rounding or _rounding_of(model))
    if model.metadata.get("tms.inputs") == "plain":
        return Lowering(model, options, layout.plain).program()
    best = Lowering(model, options, layout.channels_last).program()
    if best.transposes and any(len(spec.shape) >= 3 for spec in model.inputs):
        other = Lowering(model, options, layout.plain).program()
        best = min(best, other, key=lambda program: program.transposes)
    return best


def _rounding_of(model: Model) -> Any:
    return model.metadata.get("tms.rounding", "single")


class Lowering:
    """One pass over one graph."""

    def __init__(
        self,
        model: Model,
        options: Options,
        input_layout: Callable[[Shape], Layout],
        on_refused: OnRefused | None = None,
    ) -> None:
        self.model = model
        self.options = options
        self.buffers: list[Buffer] = []
        self.calls: list[KernelCall] = []
        self.constants: dict[str, Constant] = {}
        self.notes: dict[str, str] = {}
        self.transposes = 0
        self._input_layout = input_layout
        self._on_refused = on_refused
        self._operands: dict[str, Operand] = {}
        self._converted: dict[tuple[Any, ...], Tensor] = {}
        self._fused: set[str] = set()
        self._site = ""

    def program(self) -> Program:
        """Walk the graph, place the buffers, and return the result."""
        graph = self.model.ir.graph
        for name, value in graph.initializers.items():
            if value.const_value is not None:
                self._operands[name] = Const(name, value.const_value.numpy())
        for value in graph.inputs:
            if not value.is_initializer():
                self._add_input(value)
        for node in graph:
            self._lower_node(node)
        outputs = [self._as_output(value) for value in graph.outputs]
        return self._finished(outputs)

    # ---- the walk ---------------------------------------------------------------------------

    def _add_input(self, value: onnx_ir.Value) -> None:
        name, shape, dtype = _name(value), _shape(value), _dtype(value)
        quant = self._quant_ahead(value) if dtype == "float32" else None
        lay = self._input_layout(shape) if len(shape) in (3, 4) else layout.plain(shape)
        self._operands[name] = self.result(
            name, shape, lay, "int8" if quant else dtype, quant, "input"
        )

    def _lower_node(self, node: onnx_ir.Node) -> None:
        out = node.outputs[0]
        if _name(out) in self._fused:
            return
        self._site = node.name or _name(out)
        try:
            if node.op_type == "QuantizeLinear":
                self._operands[_name(out)] = self._quantized(node)
            elif node.op_type == "DequantizeLinear":
                self._operands[_name(out)] = self._dequantized(node)
            else:
                self._lower_site(node)
        except Unsupported as error:
            if self._on_refused is None:
                raise
            self._on_refused(self._site, error)
            for user, _ in out.uses():  # an activation is judged by itself then
                self._fused.discard(_name(user.outputs[0]))
            for value in node.outputs:
                shape = _shape(value)
                lay = layout.plain(shape)
                self._operands[_name(value)] = self.result(_name(value), shape, lay, _dtype(value))

    def _lower_site(self, node: onnx_ir.Node) -> None:
        operator = operators().get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if operator is None:
            raise Unsupported(
                f"operator {node.op_type} is not supported",
                self._site,
                f"supported are {', '.join(sorted(operators()))}",
            )
        out, clamp = self._behind_activation(node, operator)
        site = Site(
            name=self._site,
            op_type=node.op_type,
            inputs=tuple(None if v is None else self._operands[_name(v)] for v in node.inputs),
            shape=_shape(out),
            output=_name(out),
            clamp=clamp,
            quant=self._quant_ahead(out),
            attributes={key: attribute.value for key, attribute in node.attributes.items()},
            opset=self.model.ir.graph.opset_imports.get("", 1),
        )
        results = operator.lower(site, self)
        values = [out, *node.outputs[1:]]
        for value, operand in zip(
            values, results if isinstance(results, tuple) else (results,), strict=False
        ):
            self._operands[_name(value)] = operand

    def _behind_activation(
        self, node: onnx_ir.Node, operator: Operator
    ) -> tuple[onnx_ir.Value, tuple[float, float] | None]:
        """The value behind a Relu or Clip that alone reads the node's output, and its bounds."""
        out = node.outputs[0]
        uses = tuple(out.uses())
        if not operator.activation or len(uses) != 1 or out.is_graph_output():
            return out, None
        after = uses[0].node
        if after.op_type not in ACTIVATIONS or after.domain not in ("", "ai.onnx"):
            return out, None
        clamp = self._bounds(after)
        if clamp is None:
            return out, None
        self._fused.add(_name(after.outputs[0]))
        return after.outputs[0], clamp

    def _bounds(self, node: onnx_ir.Node) -> tuple[float, float] | None:
        """Bounds of a Relu or Clip; None where they are computed at run time."""
        if node.op_type == "Relu":
            return 0.0, math.inf
        bounds = [-math.inf, math.inf]
        for index, key in enumerate(("min", "max")):
            if key in node.attributes:
                bounds[index] = float(node.attributes[key].value)
            value = node.inputs[index + 1] if index + 1 < len(node.inputs) else None
            if value is not None:
                operand = self._operands.get(_name(value))
                if not isinstance(operand, Const):
                    return None
                bounds[index] = float(operand.real.reshape(-1)[0])
        return bounds[0], bounds[1]

    # ---- quantisation -----------------------------------------------------------------------

    def _quant_ahead(self, value: onnx_ir.Value) -> Quant | None:
        """How everybody who reads a value quantises it, looking through views; else None."""
        found: set[Quant | None] = set()
        if value.is_graph_output():
            return None
        for node, index in value.uses():
            if node.op_type == "QuantizeLinear" and index == 0:
                found.add(self._quant_of(node))
            elif node.op_type in VIEWS and index == 0:
                found.add(self._quant_ahead(node.outputs[0]))
            else:
                return None
        return found.pop() if len(found) == 1 else None

    def _quant_of(self, node: onnx_ir.Node) -> Quant | None:
        """The parameters of a per-tensor 8-bit QuantizeLinear or DequantizeLinear; else None."""
        scale, zero_point, dtype = self._scale_and_zero_point(node)
        if scale is None or scale.size != 1 or dtype not in ("int8", "uint8"):
            return None
        zero = int(zero_point.reshape(-1)[0]) if zero_point is not None else 0
        return Quant(float(scale.reshape(-1)[0]), zero - (128 if dtype == "uint8" else 0))

    def _scale_and_zero_point(self, node: onnx_ir.Node) -> tuple[Array | None, Array | None, str]:
        """Scale, zero point (None where computed or absent) and the integer type's name."""
        arrays = []
        for value in (*node.inputs[1:3], None, None)[:2]:
            operand = None if value is None else self._operands.get(_name(value))
            arrays.append(operand.stored if isinstance(operand, Const) else None)
        scale, zero_point = arrays
        if zero_point is not None:
            return scale, zero_point, str(zero_point.dtype)
        stored = node.outputs[0] if node.op_type == "QuantizeLinear" else node.inputs[0]
        return scale, None, "uint8" if stored is None else _dtype(stored)

    def _quantized(self, node: onnx_ir.Node) -> Operand:
        assert node.inputs[0] is not None
        operand = self._operands[_name(node.inputs[0])]
        if isinstance(operand, Const):
            return self._quantized_constant(node, operand)
        quant = self._quant_of(node)
        if quant is None:
            raise Unsupported(f"QuantizeLinear: {ONLY_8_BITS}", self._site, QUANTIZE_HINT)
        if operand.quant is not None:
            return self.requantized(operand, quant)
        out = self.result(_name(node.outputs[0]), operand.shape, operand.layout, "int8", quant)
        params = {"n": math.prod(out.shape), "scale": quant.scale, "zero_point": quant.zero_point}
        self.call("tms_quantize_f32_s8", (operand,), out, params)
        return out

    def _quantized_constant(self, node: onnx_ir.Node, operand: Const) -> Const:
        scale, zero_point, dtype = self._scale_and_zero_point(node)
        if scale is None:
            raise Unsupported("QuantizeLinear: its scale is computed at run time", self._site)
        axis = int(node.attributes["axis"].value) if "axis" in node.attributes else 1
        whole = Const(operand.name, np.zeros(operand.shape, dtype), scale, zero_point, axis)
        scales, zeros = whole.along(scale), whole.along(zero_point)
        limits = np.iinfo(dtype)
        stored = np.clip(np.rint(operand.real / scales) + zeros, limits.min, limits.max)
        return replace(whole, stored=stored.astype(dtype))

    def _dequantized(self, node: onnx_ir.Node) -> Operand:
        assert node.inputs[0] is not None
        operand = self._operands[_name(node.inputs[0])]
        if isinstance(operand, Const):
            scale, zero_point, _ = self._scale_and_zero_point(node)
            axis = int(node.attributes["axis"].value) if "axis" in node.attributes else 1
            return replace(operand, scale=scale, zero_point=zero_point, axis=axis)
        quant = self._quant_of(node)
        if quant is None or operand.dtype not in ("int8", "uint8"):
            raise Unsupported(f"DequantizeLinear: {ONLY_8_BITS}", self._site, QUANTIZE_HINT)
        if operand.dtype == "uint8":
            operand = self._as_int8(operand)
        return replace(operand, quant=quant)

    def _as_int8(self, tensor: Tensor) -> Tensor:
        """A uint8 graph input as int8, 128 less."""
        out = self.result(f"{self._site}_int8", tensor.shape, tensor.layout, "int8")
        bits = np.arange(-128, 128, dtype=np.int8).view(np.uint8)
        self.table_call(tensor, out, (bits ^ 0x80).view(np.int8))
        return out

    # ---- what operators ask for -------------------------------------------------------------

    def result(
        self,
        name: str,
        shape: Shape,
        lay: Layout,
        dtype: str,
        quant: Quant | None = None,
        role: Any = "activation",
    ) -> Tensor:
        """A new tensor in a buffer of its own."""
        stored = tuple(lay.view[axis] for axis in lay.order)
        self.buffers.append(
            Buffer(
                name=name,
                shape=stored[1:] if len(stored) > 1 and stored[0] == 1 else stored,
                dtype=dtype,
                role=role,
                scale=quant.scale if quant else 0.0,
                zero_point=quant.zero_point if quant else 0,
                logical_shape=shape,
                view_shape=lay.view,
                order=lay.order,
            )
        )
        return Tensor(shape, len(self.buffers) - 1, lay, dtype, quant)

    def output(
        self, site: Site, lay: Layout, quant: Quant | None = None, dtype: str = "float32"
    ) -> Tensor:
        """The tensor that a site computes: int8 where `quant` is given."""
        return self.result(site.output, site.shape, lay, "int8" if quant else dtype, quant)

    def call(
        self,
        kernel: str,
        inputs: Sequence[Tensor | str],
        out: Tensor,
        params: dict[str, Any],
        macs: int = 0,
        rows: int | None = None,
    ) -> None:
        """Append a kernel call; arrays among the params become constants of the Program."""
        name = self._rounded(kernel)
        plain_params = {}
        for key, value in params.items():
            if isinstance(value, np.ndarray):
                value = self.constant(f"{self._site}_{key}", value)
            plain_params[key] = value
        sources = tuple(i if isinstance(i, str) else i.buffer for i in inputs)
        self.calls.append(
            KernelCall(self._site, name, sources, (out.buffer,), plain_params, macs, None, rows)
        )

    def constant(self, name: str, data: Array) -> str:
        """Keep an array for the flash; returns its name, made unique."""
        unique, number = name, 2
        while unique in self.constants:
            unique, number = f"{name}_{number}", number + 1
        self.constants[unique] = Constant(unique, data)
        return unique

    def real(self, operand: Operand) -> Operand:
        """The same values in float32: a dequantise call where the operand is stored as int8."""
        if isinstance(operand, Const) or operand.quant is None:
            return operand
        key = ("real", operand.buffer, operand.shape, operand.quant)
        if key not in self._converted:
            quant = operand.quant
            out = self.result(f"{self._site}_real", operand.shape, operand.layout, "float32")
            params = {
                "n": math.prod(operand.shape),
                "scale": quant.scale,
                "zero_point": quant.zero_point,
            }
            self.call("tms_dequantize_s8_f32", (operand,), out, params)
            self._converted[key] = out
        return self._converted[key]

    def in_float(self, site: Site, why: str) -> Site:
        """The site with all operands in float32, for operators with no integer form here."""
        if any(isinstance(operand, Tensor) and operand.quant for operand in site.inputs):
            self.notes[site.name] = f"runs in float32: {why}"
        return replace(
            site,
            inputs=tuple(
                None if operand is None else self.real(operand) for operand in site.inputs
            ),
            quant=None,
        )

    def requantized(self, tensor: Tensor, quant: Quant) -> Tensor:
        """The same int8 values under another scale and zero point."""
        if tensor.quant is None or tensor.quant == quant:
            return tensor
        key = ("quant", tensor.buffer, tensor.shape, tensor.quant, quant)
        if key not in self._converted:
            out = self.result(f"{self._site}_rescaled", tensor.shape, tensor.layout, "int8", quant)
            table = rescaled_codes(tensor.quant, quant, self.options.rounding)
            self.table_call(tensor, out, table)
            self._converted[key] = out
        return self._converted[key]

    def table_call(self, tensor: Tensor, out: Tensor, table: Array) -> None:
        """Out = table[in + 128], element by element."""
        self.call("tms_lut_s8", (tensor,), out, {"n": math.prod(tensor.shape), "table": table})

    def laid_out(self, tensor: Tensor, lay: Layout) -> Tensor:
        """The same tensor stored as `lay` says: a transpose call where it is not already."""
        if tensor.layout.same_as(lay):
            return replace(tensor, layout=lay)
        key = ("layout", tensor.buffer, tensor.quant, lay.view, lay.order)
        if key not in self._converted:
            try:
                shape, steps = layout.copy_plan(tensor.layout, lay)
            except ValueError as error:
                raise Unsupported(
                    f"a layout change that is no transpose: {error}", self._site
                ) from None
            if len(shape) > 4:
                raise Unsupported(f"a transpose over {len(shape)} axes", self._site)
            out = self.result(f"{self._site}_moved", tensor.shape, lay, tensor.dtype, tensor.quant)
            lead = 4 - len(shape)
            params = {"shape": (1,) * lead + shape, "stride": (0,) * lead + steps}
            self.call(f"tms_transpose_{width_of(tensor.dtype)}", (tensor,), out, params)
            self.transposes += 1
            self._converted[key] = out
        return self._converted[key]

    def _rounded(self, kernel: str) -> str:
        """The kernel's variant in the chosen rounding: `litert` rounds only dense layers once."""
        twice = f"{kernel}_dr"
        once = self.options.rounding == "single" or (
            self.options.rounding == "litert" and kernel == "tms_dense_s8"
        )
        return kernel if once or twice not in kernels() else twice

    # ---- the end ----------------------------------------------------------------------------

    def _as_output(self, value: onnx_ir.Value) -> Tensor:
        """The operand of a graph output in a buffer that is nobody else's input or output."""
        name, operand = _name(value), self._operands[_name(value)]
        self._site = name
        if isinstance(operand, Const):
            raise Unsupported(
                "the output is a constant", name, "remove it from the graph's outputs"
            )
        if self.buffers[operand.buffer].role != "activation":
            copy = self.result(name, operand.shape, operand.layout, operand.dtype, operand.quant)
            n = math.prod(operand.shape)
            params = {"rows": 1, "n": n, "in_stride": n, "out_stride": n, "out_start": 0}
            self.call(f"tms_copy_{width_of(operand.dtype)}", (operand,), copy, params)
            operand = copy
        self.buffers[operand.buffer] = replace(
            self.buffers[operand.buffer],
            name=name,
            role="output",
            scale=operand.quant.scale if operand.quant else 0.0,
            zero_point=operand.quant.zero_point if operand.quant else 0,
            logical_shape=operand.shape,
            view_shape=operand.layout.view,
            order=operand.layout.order,
        )
        return operand

    def _finished(self, outputs: list[Tensor]) -> Program:
        calls = _needed(self.calls, {tensor.buffer for tensor in outputs})
        used = {b for call in calls for b in (*call.inputs, *call.outputs) if isinstance(b, int)}
        used |= {i for i, b in enumerate(self.buffers) if b.role in ("input", "output")}
        kept = sorted(used)
        number = {old: new for new, old in enumerate(kept)}
        # Inputs and outputs stand in the graph's order, not in that of their making.
        buffers = [self.buffers[old] for old in kept]
        calls = [
            replace(
                call,
                inputs=tuple(b if isinstance(b, str) else number[b] for b in call.inputs),
                outputs=tuple(number[b] for b in call.outputs),
            )
            for call in calls
        ]
        names = {
            v for call in calls for v in (*call.params.values(), *call.inputs) if isinstance(v, str)
        }
        plan = fuse.smallest if self.options.plan == "small" else fuse.layerwise
        laid = plan(tuple(buffers), tuple(calls))
        return Program(
            name=identifier(self.model.name),
            buffers=laid.buffers,
            calls=laid.calls,
            stages=laid.stages,
            constants={name: c for name, c in self.constants.items() if name in names},
            offsets=laid.placement.offsets,
            arena_bytes=laid.placement.arena_bytes,
            bound_bytes=laid.placement.bound_bytes,
            options=self.options,
            transposes=sum(call.kernel.startswith("tms_transpose") for call in calls),
            origin=self.model.digest,
            notes=tuple(f"{site}: {note}" for site, note in self.notes.items()),
            output_order=tuple(number[tensor.buffer] for tensor in outputs),
        )


def _needed(calls: list[KernelCall], wanted: set[int]) -> list[KernelCall]:
    """The calls that the wanted buffers depend on."""
    kept = []
    for call in reversed(calls):
        if wanted.intersection(call.outputs):
            wanted.update(b for b in call.inputs if isinstance(b, int))
            kept.append(call)
    return kept[::-1]


def identifier(name: str) -> str:
    """A C identifier made from a name."""
    plain = re.sub(r"[^0-9a-zA-Z]+", "_", name).strip("_").lower() or "model"
    return f"m_{plain}" if plain[0].isdigit() else plain


def width_of(dtype: str) -> str:
    """The suffix of movement kernels for a dtype: b8 or b32."""
    return {1: "b8", 4: "b32"}[np.dtype(dtype).itemsize]


def _name(value: onnx_ir.Value | None) -> str:
    assert value is not None
    assert value.name is not None
    return value.name


def _shape(value: onnx_ir.Value) -> Shape:
    if value.shape is None or not all(isinstance(size, int) for size in value.shape):
        raise Unsupported(
            f"the shape of '{value.name}' is not static", _name(value), "export with fixed shapes"
        )
    return tuple(int(size) for size in value.shape.numpy())


def _dtype(value: onnx_ir.Value) -> str:
    return "float32" if value.dtype is None else str(value.dtype.numpy())
