"""Model to Program: the walk over the graph, and what operators ask for on the way.

Quantised graphs are read in their QDQ form without rewriting them. A tensor is stored as
int8 as soon as everybody who reads it quantises it alike; DequantizeLinear then costs
nothing, since it only says how the stored bytes are meant. Where an operator has no integer
form for its operands, it runs in float between a dequantise and a quantise call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import layout, states
from studio.compiler.builder import Builder
from studio.compiler.layout import Layout, Shape
from studio.compiler.operand import Array, Const, Quant, Tensor
from studio.compiler.operator import Operand, Operator, Result, Site, operators
from studio.compiler.program import ROUNDINGS, Options, Program
from studio.errors import ModelError, Unsupported

if TYPE_CHECKING:
    import onnx_ir

    from studio.model.model import Model

VIEWS = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout"}
)
ACTIVATIONS = frozenset({"Relu", "Clip"})
ONLY_8_BITS = "activations take one scale a tensor and 8 or 16 bits"
QUANTIZE_HINT = "quantise activations per tensor to int8, uint8 or int16"

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
    first = input_layout(model)
    best = Lowering(model, options, first).program()
    if first is layout.plain:
        return best
    if best.transposes and any(len(spec.shape) >= 3 for spec in model.inputs):
        other = Lowering(model, options, layout.plain).program()
        best = min(best, other, key=lambda program: program.transposes)
    return best


def input_layout(model: Model) -> Callable[[Shape], Layout]:
    """How inputs of three and four axes are laid out at first."""
    return layout.plain if model.metadata.get("tms.inputs") == "plain" else layout.channels_last


def _rounding_of(model: Model) -> Any:
    rounding = model.metadata.get("tms.rounding", "single")
    if rounding not in ROUNDINGS:
        raise ModelError(
            f"its metadata ask for the rounding {rounding!r}",
            model.name,
            f"tms.rounding is one of {', '.join(ROUNDINGS)}",
        )
    return rounding


class Lowering(Builder):
    """One pass over one graph."""

    def __init__(
        self,
        model: Model,
        options: Options,
        input_layout: Callable[[Shape], Layout],
        on_refused: OnRefused | None = None,
    ) -> None:
        super().__init__(options)
        self.model = model
        self._input_layout = input_layout
        self._on_refused = on_refused
        self._operands: dict[str, Operand] = {}
        self._fused: set[str] = set()

    def program(self) -> Program:
        """Walk the graph, place the buffers, and return the result."""
        graph = self.model.ir.graph
        for name, value in graph.initializers.items():
            if value.const_value is not None and not value.is_graph_input():
                self._operands[name] = Const.of(name, value.const_value.numpy())
        for value in graph.inputs:
            self._add_input(value, "state" if value.is_initializer() else "input")
        for node in graph:
            self._lower_node(node)
        after = {state.output: state.input for state in self.model.states}
        outputs = [self._as_output(v) for v in graph.outputs if _name(v) not in after]
        self._keep_states()
        return self.finished(self.model, outputs)

    # ---- the walk ---------------------------------------------------------------------------

    def _add_input(self, value: onnx_ir.Value, role: str) -> None:
        name, shape, dtype = _name(value), _shape(value), _dtype(value)
        quant = self._quant_ahead(value) if dtype == "float32" else None
        lay = input_layout(self.model) if role == "state" else self._input_layout
        lay = lay if len(shape) in (3, 4) else layout.plain
        self._operands[name] = self.result(name, shape, lay(shape), dtype, quant, role)

    def _lower_node(self, node: onnx_ir.Node) -> None:
        out = node.outputs[0]
        if _name(out) in self._fused:
            return
        self.site = node.name or _name(out)
        try:
            if node.op_type == "QuantizeLinear":
                self._operands[_name(out)] = self._quantized(node)
            elif followers := _to_32_bits(node):
                self._operands[_name(followers[1].outputs[0])] = self._in_32_bits(node, followers)
            elif node.op_type == "DequantizeLinear":
                self._operands[_name(out)] = self._dequantized(node)
            else:
                self._lower_site(node)
        except Unsupported as error:
            if self._on_refused is None:
                raise
            self._on_refused(self.site, error)
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
                self.site,
                f"supported are {', '.join(sorted(operators()))}",
            )
        out, clamp = self._behind_activation(node, operator)
        values = [out, *node.outputs[1:]]
        site = Site(
            name=self.site,
            op_type=node.op_type,
            inputs=tuple(None if v is None else self._operands[_name(v)] for v in node.inputs),
            shape=_shape(out) if out.name else (),
            output=_name(out),
            clamp=clamp,
            quant=self._quant_ahead(out),
            attributes={key: attribute.value for key, attribute in node.attributes.items()},
            opset=self.model.ir.graph.opset_imports.get("", 1),
            results=tuple(Result(v.name or "", _shape(v)) for v in values if v.name),
            wanted=frozenset(i for i, v in enumerate(values) if v.uses() or v.is_graph_output()),
            metadata=node.metadata_props,
        )
        if any(0 in result.shape for result in site.results):
            raise site.refused("its result is empty", "remove the operator")
        operands = self._results(self._in_known_dtypes(site, operator), operator)
        for number, value in enumerate(values):
            if number < len(operands):
                self._operands[_name(value)] = operands[number]
            elif number in site.wanted:
                raise site.refused(f"output {number} is not computed", "remove what reads it")

    def _results(self, site: Site, operator: Operator) -> tuple[Operand, ...]:
        """What an operator makes of a site."""
        special = operator.special(site, self) if operator.special else None
        if special is not None:
            return (special,)
        wide = self._of_one_width(site)
        results = operator.lower(wide, self)
        operands = results if isinstance(results, tuple) else (results,)
        if wide.quant != site.quant and site.quant is not None and isinstance(operands[0], Tensor):
            return (self.requantized(operands[0], site.quant), *operands[1:])
        return operands

    def _in_known_dtypes(self, site: Site, operator: Operator) -> Site:
        """The site with operands that its operator takes, in float where it knows no int16."""
        tensors = [operand for operand in site.inputs if isinstance(operand, Tensor)]
        for tensor in tensors:
            if tensor.quant is None and tensor.dtype not in operator.dtypes:
                raise site.refused(f"takes no {tensor.dtype}", "convert it to float32 before")
        quants = [site.quant, *(tensor.quant for tensor in tensors)]
        if "int32" not in operator.dtypes and any(q and q.dtype == "int32" for q in quants):
            return self.in_float(site, "it has no form for 32 bits")
        if operator.int16 or not any(q is not None and q.dtype == "int16" for q in quants):
            return site
        return self.in_float(site, "it has no int16 form")

    def _of_one_width(self, site: Site) -> Site:
        """The site with all its integers in int16, where some of them are."""
        quants = [t.quant for t in site.inputs if isinstance(t, Tensor) and t.quant is not None]
        widths = {quant.dtype for quant in (*quants, site.quant) if quant is not None}
        if site.quant is None or widths != {"int8", "int16"}:
            return site
        inputs: list[Operand | None] = []
        for operand in site.inputs:
            if isinstance(operand, Tensor) and operand.quant is not None:
                inputs.append(self.requantized(operand, _in_16_bits(operand.quant)))
            else:
                inputs.append(operand)
        return replace(site, inputs=tuple(inputs), quant=_in_16_bits(site.quant))

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
            elif index == 0 and (followers := _to_32_bits(node)):
                found.add(self._quant_of(followers[-1]))
            else:
                return None
        return found.pop() if len(found) == 1 else None

    def _quant_of(self, node: onnx_ir.Node) -> Quant | None:
        """The parameters of a per-tensor QuantizeLinear or DequantizeLinear; else None."""
        scale, zero_point, dtype = self._scale_and_zero_point(node)
        if scale is None or scale.size != 1 or dtype not in ("int8", "uint8", "int16", "int32"):
            return None
        zero = int(zero_point.reshape(-1)[0]) if zero_point is not None else 0
        stored = "int8" if dtype == "uint8" else dtype
        return Quant(float(scale.reshape(-1)[0]), zero - (128 if dtype == "uint8" else 0), stored)

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
            raise Unsupported(f"QuantizeLinear: {ONLY_8_BITS}", self.site, QUANTIZE_HINT)
        if operand.quant is not None:
            return self.requantized(operand, quant)
        return self.quantized(operand, _name(node.outputs[0]), quant)

    def _quantized_constant(self, node: onnx_ir.Node, operand: Const) -> Const:
        scale, zero_point, dtype = self._scale_and_zero_point(node)
        if scale is None:
            raise Unsupported("QuantizeLinear: its scale is computed at run time", self.site)
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
            if scale is not None and scale.ndim == operand.stored.ndim > 1:
                return _of_blocks(operand, scale, zero_point)
            return replace(operand, scale=scale, zero_point=zero_point, axis=axis)
        quant = self._quant_of(node)
        if quant is None or operand.dtype not in ("int8", "uint8", "int16", "int32"):
            raise Unsupported(f"DequantizeLinear: {ONLY_8_BITS}", self.site, QUANTIZE_HINT)
        if operand.dtype == "uint8":
            operand = self._shifted(operand, "int8")
        return replace(operand, quant=quant)

    def _in_32_bits(self, node: onnx_ir.Node, followers: list[onnx_ir.Node]) -> Operand:
        """The value of a quantisation to int32 that begins with `node`."""
        assert node.inputs[0] is not None
        quant, operand = self._quant_of(followers[-1]), self._operands[_name(node.inputs[0])]
        if quant is None or isinstance(operand, Const) or operand.quant is None:
            hint = "quantise to int16 or int8, or requantise from there"
            raise Unsupported("real values quantised to 32 bits", self.site, hint)
        self._fused.update(_name(follower.outputs[0]) for follower in followers[:2])
        return self.requantized(operand, quant)

    def _shifted(self, tensor: Tensor, dtype: str) -> Tensor:
        """A uint8 tensor as int8, 128 less, or the other way round."""
        out = self.result(f"{self.site}_{dtype}", tensor.shape, tensor.layout, dtype)
        bits = np.arange(-128, 128, dtype=np.int8).view(np.uint8)
        self.table_call(tensor, out, (bits ^ 0x80).view(np.int8))
        return out

    # ---- the end ----------------------------------------------------------------------------

    def _keep_states(self) -> None:
        """Let every state have its next value, and its first one after a reset."""
        graph = self.model.ir.graph
        makers = {value: node.name or value for node in graph for value in map(_name, node.outputs)}
        kept = []
        for state in self.model.states:
            tensor = self._operands[state.input]
            real = graph.initializers[state.input].const_value
            assert isinstance(tensor, Tensor)
            assert real is not None
            buffer = self.buffers[tensor.buffer]
            self.initial[tensor.buffer] = states.initial(self, buffer, real.numpy())
            after = self._operands[state.output]
            kept.append(states.Kept(tensor, after, makers.get(state.output, state.output)))
        states.keep(self, kept)

    def _as_output(self, value: onnx_ir.Value) -> Tensor:
        """The operand of a graph output in a buffer that is nobody else's input or output."""
        name, operand = _name(value), self._operands[_name(value)]
        self.site = name
        if isinstance(operand, Const):
            raise Unsupported(
                "the output is a constant", name, "remove it from the graph's outputs"
            )
        if _dtype(value) == "uint8" and operand.dtype == "int8":
            operand = self._shifted(operand, "uint8")
        if self.buffers[operand.buffer].role != "activation":
            operand = self.copied(operand, name)
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


def _in_16_bits(quant: Quant) -> Quant:
    """The int16 grid over the range of an int8 one: tables of functions need all of its values."""
    if quant.dtype == "int16":
        return quant
    furthest = max(128 + quant.zero_point, 127 - quant.zero_point)
    return Quant(quant.scale * furthest / 32767, 0, "int16")


def _to_32_bits(node: onnx_ir.Node) -> list[onnx_ir.Node]:
    """Round, Cast and DequantizeLinear behind a Div by its scale: QDQ to int32; else nothing."""
    followers: list[onnx_ir.Node] = []
    if node.op_type != "Div":
        return followers
    for op_type in ("Round", "Cast", "DequantizeLinear"):
        value = (followers or [node])[-1].outputs[0]
        users = value.consumers()
        if len(users) != 1 or users[0].op_type != op_type or value.is_graph_output():
            return []
        followers.append(users[0])
    from onnx_ir import DataType

    _, cast, last = followers
    zero = last.inputs[2].const_value if len(last.inputs) > 2 and last.inputs[2] else None
    moved = zero is not None and bool(np.any(zero.numpy()))
    whole = cast.attributes.get_int("to", 0) == DataType.INT32
    return followers if whole and not moved and last.inputs[1] is node.inputs[1] else []


def _of_blocks(operand: Const, scale: Array, zero_point: Array | None) -> Const:
    """Real values of a constant with a scale for each block: no kernel takes them in integers."""
    for axis, (size, count) in enumerate(zip(operand.shape, scale.shape, strict=True)):
        scale = np.repeat(scale, size // count, axis=axis)
        if zero_point is not None:
            zero_point = np.repeat(zero_point, size // count, axis=axis)
    zeros = 0 if zero_point is None else zero_point.astype(np.int64)
    return Const(
        operand.name, ((operand.stored.astype(np.int64) - zeros) * scale).astype(np.float32)
    )


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
