"""What operators ask for while a graph is lowered: buffers, calls, constants, conversions.

Values that were converted once (to float, to another scale, to another layout) are found
again instead of being converted twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.compiler import layout, plans, stream, weights
from studio.compiler.fixed_point import quantize_multiplier
from studio.compiler.kernel import kernels
from studio.compiler.layout import Layout, Shape
from studio.compiler.operand import Array, Const, Quant, Tensor
from studio.compiler.operator import Operand, Site
from studio.compiler.program import Buffer, Constant, KernelCall, Options, Program
from studio.compiler.scaling import clamp_integer, rescaled_codes
from studio.errors import Unsupported

if TYPE_CHECKING:
    from studio.model.model import Model

# Names whose `_t` C has, and those of the files and symbols around a model.
TAKEN = frozenset(
    (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intptr",
        "uintptr", "intmax", "uintmax", "size", "ssize", "ptrdiff", "wchar", "wint", "time",
        "clock", "off", "float", "double", "div", "tms", "app", "model", "monitor", "port",
        "trace",
    )
)  # fmt: skip
DTYPES = ("float32", "int8", "uint8", "int16", "int32", "bool")  # that kernels and boards know
STORED = {"int64": "int32"}  # indices and shapes fit 32 bits, and no kernel knows more
SUFFIX = {"int8": "s8", "int16": "s16", "int32": "s32"}
MOST_AXES = 6  # of the strided kernels
PLAIN_TRANSPOSE_AXES = 4


class Builder:
    """A Program in the making."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.buffers: list[Buffer] = []
        self.calls: list[KernelCall] = []
        self.constants: dict[str, Constant] = {}
        self.of_4_bits: set[str] = set()  # constants that the user wants so
        self.notes: dict[str, str] = {}
        self.initial: dict[int, int | str] = {}
        self.parts: dict[Tensor, tuple[Tensor, Shape]] = {}  # slices: of what, from where
        self.transposes = 0
        self.site = ""
        self._converted: dict[tuple[Any, ...], Tensor] = {}
        self._moved: set[int] = set()

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
        dtype = quant.dtype if quant else STORED.get(dtype, dtype)
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
        """The tensor that a site computes: integer where `quant` is given."""
        return self.result(site.output, site.shape, lay, dtype, quant)

    def call(
        self,
        kernel: str,
        inputs: Sequence[Tensor | str],
        out: Tensor | Sequence[Tensor],
        params: dict[str, Any],
        macs: int = 0,
        rows: int | None = None,
        weight_bits: int = 8,
    ) -> None:
        """Append a kernel call; arrays among the params become constants of the Program."""
        name = self._rounded(kernel)
        plain_params = {}
        for key, value in params.items():
            if isinstance(value, np.ndarray):
                value = self.constant(f"{self.site}_{key}", value)
            plain_params[key] = value
        if weight_bits == 4:
            self.of_4_bits.add(plain_params["weights"])
        sources = tuple(i if isinstance(i, str) else i.buffer for i in inputs)
        outs = (out,) if isinstance(out, Tensor) else tuple(out)
        self.calls.append(
            KernelCall(
                layer=self.site,
                kernel=name,
                inputs=sources,
                outputs=tuple(tensor.buffer for tensor in outs),
                params=plain_params,
                macs=macs,
                scratch=self._scratch(name, params),
                rows=rows,
            )
        )

    def _scratch(self, kernel: str, params: dict[str, Any]) -> int | None:
        """A buffer for what a call needs for itself."""
        size_of = kernels()[kernel].scratch_bytes
        if size_of is None:
            return None
        shape = (size_of(params),)
        return self.result(
            f"{self.site}_scratch", shape, layout.plain(shape), "uint8", None, "scratch"
        ).buffer

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
        if operand.quant.dtype == "int32":
            raise Unsupported(
                "a quantised tensor of 32 bits", self.site, "requantise it to int16 or int8 before"
            )
        key = ("real", operand.buffer, operand.shape, operand.quant, operand.layout)
        if key not in self._converted:
            quant = operand.quant
            out = self.result(f"{self.site}_real", operand.shape, operand.layout, "float32")
            params = quantize_params(operand, quant)
            self.call(f"tms_dequantize_{SUFFIX[quant.dtype]}_f32", (operand,), out, params)
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

    def quantized(self, tensor: Tensor, name: str, quant: Quant) -> Tensor:
        """A float tensor in integers."""
        out = self.result(name, tensor.shape, tensor.layout, quant.dtype, quant)
        kernel = f"tms_quantize_f32_{SUFFIX[quant.dtype]}"
        self.call(kernel, (tensor,), out, quantize_params(tensor, quant))
        return out

    def requantized(self, tensor: Tensor, quant: Quant) -> Tensor:
        """The same values in integers under another scale and zero point."""
        if tensor.quant is None or tensor.quant == quant:
            return tensor
        key = ("quant", tensor.buffer, tensor.shape, tensor.quant, tensor.layout, quant)
        if key not in self._converted:
            name = f"{self.site}_rescaled"
            out = self.result(name, tensor.shape, tensor.layout, quant.dtype, quant)
            if tensor.quant.dtype == quant.dtype == "int8":
                table = rescaled_codes(tensor.quant, quant, self.options.rounding)
                self.table_call(tensor, out, table)
            else:
                self.requantize_call(tensor, out, None)
            self._converted[key] = out
        return self._converted[key]

    def requantize_call(
        self, tensor: Tensor, out: Tensor, clamp: tuple[float, float] | None
    ) -> None:
        """Out = the same values under its own scale, clamped; not from int8 to int8."""
        x, y = tensor.quant, out.quant
        assert x is not None
        assert y is not None
        multiplier, shift = quantize_multiplier(x.scale / y.scale)
        params = {
            "n": math.prod(tensor.shape),
            "in_offset": -x.zero_point,
            "out_offset": y.zero_point,
            **clamp_integer(clamp, y),
            "multiplier": multiplier,
            "shift": shift,
        }
        kernel = f"tms_requantize_{SUFFIX[x.dtype]}_{SUFFIX[y.dtype]}"
        self.call(kernel, (tensor,), out, params)

    def settled(self, tensor: Tensor, quant: Quant | None) -> Tensor:
        """A moved tensor under the scale that its readers want, if any."""
        return tensor if quant is None else self.requantized(tensor, quant)

    def table_call(self, tensor: Tensor, out: Tensor, table: Array) -> None:
        """Out = table[in + 128], element by element."""
        self.call("tms_lut_s8", (tensor,), out, {"n": math.prod(tensor.shape), "table": table})

    def laid_out(self, tensor: Tensor, lay: Layout) -> Tensor:
        """The same tensor stored as `lay` says: a transpose call where it is not already."""
        if tensor.layout.same_as(lay):
            return replace(tensor, layout=lay)
        key = ("layout", tensor.buffer, tensor.quant, tensor.layout, lay)
        if key not in self._converted:
            try:
                shape, steps = layout.copy_plan(tensor.layout, lay)
            except ValueError as error:
                raise Unsupported(
                    f"a layout change that is no transpose: {error}", self.site
                ) from None
            if len(shape) > MOST_AXES:
                raise Unsupported(f"a transpose over {len(shape)} axes", self.site)
            out = self.result(f"{self.site}_moved", tensor.shape, lay, tensor.dtype, tensor.quant)
            if len(shape) <= PLAIN_TRANSPOSE_AXES:
                params = filled(shape, steps, PLAIN_TRANSPOSE_AXES)
                self.call(f"tms_transpose_{width_of(tensor.dtype)}", (tensor,), out, params)
            else:
                self.strided(tensor, out, shape, steps, 0)
            self.transposes += 1
            self._moved.add(out.buffer)
            self._converted[key] = out
        return self._converted[key]

    def copied(self, tensor: Tensor, name: str) -> Tensor:
        """The same bytes in a buffer of their own."""
        out = self.result(name, tensor.shape, tensor.layout, tensor.dtype, tensor.quant)
        self.copy(tensor, out)
        return out

    def copy(self, tensor: Tensor, out: Tensor) -> None:
        """Write a tensor's bytes into another one that is stored alike."""
        n = math.prod(tensor.shape)
        params = {"rows": 1, "n": n, "in_stride": n, "out_stride": n, "out_start": 0}
        self.call(f"tms_copy_{width_of(tensor.dtype)}", (tensor,), out, params)

    def strided(
        self, tensor: Tensor | str, out: Tensor, shape: Shape, steps: Shape, start: int
    ) -> None:
        """Out = elements of flat memory at start + i * steps[0] + j * steps[1] + ..."""
        params = {**filled(shape, steps, MOST_AXES), "start": start}
        self.call(f"tms_strided_{width_of(out.dtype)}", (tensor,), out, params)

    def by_axis(self, tensor: Tensor) -> tuple[Tensor, Shape]:
        """The tensor with each axis of its shape in one piece, and the axes as stored."""
        order = layout.axis_order(tensor.layout, tensor.shape)
        if order is None:
            order = tuple(range(len(tensor.shape)))
        lay = Layout(tensor.shape, order)
        return self.laid_out(tensor, lay), order

    def _rounded(self, kernel: str) -> str:
        """The kernel's variant in the chosen rounding: `litert` rounds only dense layers once."""
        twice = f"{kernel}_dr"
        once = self.options.rounding == "single" or (
            self.options.rounding == "litert" and kernel == "tms_dense_s8"
        )
        return kernel if once or twice not in kernels() else twice

    def finished(self, model: Model, outputs: list[Tensor]) -> Program:
        """The Program: what outputs and states depend on, in its place in the arena."""
        calls = _needed(self.calls, {tensor.buffer for tensor in outputs} | set(self.initial))
        used = {b for call in calls for b in (*call.inputs, *call.outputs) if isinstance(b, int)}
        used |= {call.scratch for call in calls if call.scratch is not None}
        used |= {i for i, b in enumerate(self.buffers) if b.role in ("input", "output", "state")}
        kept = sorted(used)
        number = {old: new for new, old in enumerate(kept)}
        # Inputs and outputs stand in the graph's order, not in that of their making.
        buffers = [self.buffers[old] for old in kept]
        transposes = sum(1 for call in calls if self._moved.intersection(call.outputs))
        calls = [
            replace(
                call,
                inputs=tuple(b if isinstance(b, str) else number[b] for b in call.inputs),
                outputs=tuple(number[b] for b in call.outputs),
                scratch=None if call.scratch is None else number[call.scratch],
            )
            for call in calls
        ]
        stored = weights.kept(calls, self.constants, self.of_4_bits)
        calls, constants = stored.calls, stored.constants
        self.notes |= stored.notes
        names = {
            v for call in calls for v in (*call.params.values(), *call.inputs) if isinstance(v, str)
        }
        initial = {number[state]: value for state, value in self.initial.items()}
        names |= {value for value in initial.values() if isinstance(value, str)}
        for buffer in buffers:
            if buffer.dtype not in DTYPES:
                hint = "convert the model to float32, or quantise it"
                raise Unsupported(f"a tensor of type {buffer.dtype}", buffer.name, hint)
        if self.options.stream_input:
            calls = [*stream.with_source(self.options, buffers, calls)]
        laid = plans.laid_out(self.options, buffers, calls)
        if self.options.stream_input:
            stream.check(laid.buffers, laid.placement.arena_bytes)
        return Program(
            name=identifier(model.name),
            buffers=laid.buffers,
            calls=laid.calls,
            stages=laid.stages,
            constants={name: c for name, c in constants.items() if name in names},
            offsets=laid.placement.offsets,
            arena_bytes=laid.placement.arena_bytes,
            bound_bytes=laid.placement.bound_bytes,
            options=self.options,
            transposes=transposes,
            origin=model.digest,
            notes=tuple(f"{site}: {note}" for site, note in self.notes.items()),
            output_order=tuple(number[tensor.buffer] for tensor in outputs),
            initial=initial,
            overlaps=laid.overlaps,
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
    return f"m_{plain}" if plain[0].isdigit() or plain in TAKEN else plain


def filled(shape: Shape, steps: Shape, axes: int) -> dict[str, Any]:
    """`shape` and `stride` of a strided kernel, with axes of size 1 in front."""
    lead = axes - len(shape)
    return {"shape": (1,) * lead + shape, "stride": (0,) * lead + steps}


def quantize_params(tensor: Tensor, quant: Quant) -> dict[str, Any]:
    """The fields of tms_quantize_params."""
    n = math.prod(tensor.shape)
    return {"n": n, "scale": quant.scale, "zero_point": quant.zero_point}


def width_of(dtype: str) -> str:
    """The suffix of movement kernels for a dtype: b8, b16 or b32."""
    return {1: "b8", 2: "b16", 4: "b32"}[np.dtype(dtype).itemsize]
