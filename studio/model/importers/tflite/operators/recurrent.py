"""UNIDIRECTIONAL_SEQUENCE_LSTM: in float an LSTM, in integers a Scan whose body is in QDQ form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.model.importers.tflite.file import DAMAGED, TensorInfo
from studio.model.importers.tflite.operator import Site
from studio.model.recurrent import CELL_CLIP, Body, Form, Operation, Product, Writer

if TYPE_CHECKING:
    import onnx_ir

# Inputs: 0 the sequence, 1-4 input weights, 5-8 state weights, 9-11 peepholes, 12-15 biases,
# 16-17 projection, 18-19 states, 20-23 layer normalisation; gates in the order i, f, c, o.
_GATES = (0, 3, 1, 2)  # i, o, f, c as ONNX has them
_NAMES = ("i", "f", "g", "o")
_SUM = Form(2.0**-12)  # of what goes into the gates' functions, as the kernels fix it
_UNIT = Form(2.0**-15)  # of what comes out
_HIDDEN, _CELL = 18, 19


def lstm(site: Site) -> None:
    """LSTM over [1, time, features], or [time, 1, features]."""
    if any(site.has(number) for number in (9, 10, 11, 16, 17, 20, 21, 22, 23)):
        raise site.refused("peepholes, projection or layer normalisation", "use a plain LSTM")
    if not all(site.has(number) for number in range(1, 9)):
        raise site.refused("coupled gates", "use a plain LSTM")
    time_major = bool(site.option("TimeMajor", False))
    shape = site.tensor().shape
    if len(shape) != 3 or shape[1 if time_major else 0] != 1:
        raise site.refused(f"a sequence of shape {list(shape)}", "use batch 1")
    _refuse_other_shapes(site)
    value = site.x()
    if not time_major:
        value = site.emit("Transpose", value, perm=(1, 0, 2))
    out = (_in_integers if site.tensor().quantized else _in_float)(site, value)
    site.done(site.reshaped(out, site.result().shape))


def _refuse_other_shapes(site: Site) -> None:
    """Weights and biases of other sizes than the sequence and the units ask for."""
    units = site.tensor(5).shape[0] if site.tensor(5).shape else 0
    wanted: dict[int, tuple[int, ...]] = {
        number: (units, site.tensor().shape[2]) for number in range(1, 5)
    }
    wanted |= {number: (units, units) for number in range(5, 9)}
    wanted |= {number: (units,) for number in range(12, 16) if site.has(number)}
    for number, shape in wanted.items():
        if site.tensor(number).shape != shape:
            found = list(site.tensor(number).shape)
            raise site.refused(f"input {number} has shape {found}, not {list(shape)}", DAMAGED)


def _in_float(site: Site, value: str) -> str:
    units = site.tensor(5).shape[0]
    weights = [_stacked(site, start, False) for start in (1, 5)]
    bias = np.concatenate([_stacked(site, 12, True), np.zeros(4 * units, np.float32)])
    names = [
        site.const(array[None], np.float32, name)
        for array, name in zip((*weights, bias), ("w", "r", "b"), strict=True)
    ]
    states = [_HIDDEN, _CELL]
    starts = [site.reshaped(_kept(site, number), (1, 1, units)) for number in states]
    out, *lasts = site.emit_many("LSTM", 3, value, *names, "", *starts, hidden_size=units)
    if clip := float(site.option("CellClip", 0.0)):
        site.graph.annotate({CELL_CLIP: repr(clip)})
    for number, last in zip(states, lasts, strict=True):
        site.graph.state_out(site.index(number), site.reshaped(last, site.tensor(number).shape))
    return out


def _kept(site: Site, number: int) -> str:
    """The real values of a state, [1, units]."""
    units, tensor = site.tensor(5).shape[0], site.tensor(number)
    if not tensor.variable or math.prod(tensor.shape) != units:
        raise site.refused(f"input {number} is no state of {units} units", DAMAGED)
    value = site.graph.state_in(site.index(number))
    return value if tensor.shape == (1, units) else site.reshaped(value, (1, units))


def _stacked(site: Site, start: int, optional: bool) -> np.ndarray:
    """The four gates' arrays one after the other, in ONNX's order."""
    arrays = []
    for gate in _GATES:
        if optional and not site.has(start + gate):
            raise site.refused("no bias", DAMAGED)
        arrays.append(site.known(start + gate))
    return np.concatenate(arrays)


# ---- integers -------------------------------------------------------------------------------


def _in_integers(site: Site, value: str) -> str:
    """The Scan; what it puts out, in real values."""
    import onnx_ir

    body = _body(site)
    around = _Around(site)
    writer = Writer(around, site.name, "0", body)
    graph = onnx_ir.serde.serialize_graph(writer.graph((1, site.tensor().shape[2])))
    states = dict(zip(("h", "c"), (_HIDDEN, _CELL), strict=True))
    grids = {name: around.names(writer.grid(name)) for name in ("x", *states)}
    given = [
        site.emit("QuantizeLinear", _kept(site, number), *grids[name])
        for name, number in states.items()
    ]
    given.append(site.emit("QuantizeLinear", value, *grids["x"]))
    *lasts, out = site.emit_many("Scan", 3, *given, body=graph, num_scan_inputs=1)
    for (name, number), last in zip(states.items(), lasts, strict=True):
        real = site.emit("DequantizeLinear", last, *grids[name])
        site.graph.state_out(site.index(number), site.reshaped(real, site.tensor(number).shape))
    return site.emit("DequantizeLinear", out, *grids["h"])


class _Around:
    """The graph under construction as a body's writer knows it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def unused(self, name: str) -> str:
        return self._site.graph.unique(name)

    def constant(self, role: str, array: Any) -> onnx_ir.Value:
        import onnx_ir

        array = np.asarray(array)
        kind = onnx_ir.DataType.from_numpy(array.dtype)
        return onnx_ir.val(self._site.const(array, array.dtype, role), kind, array.shape)

    def names(self, values: list[onnx_ir.Value]) -> list[str]:
        return [value.name or "" for value in values]


def _body(site: Site) -> Body:
    """A time step as TFLite's integer LSTM computes it: sums, gates and cell in 16 bits."""
    hidden, cell = site.tensor(_HIDDEN), site.tensor(_CELL)
    h, c, x = (_form(site, tensor) for tensor in (hidden, cell, site.tensor()))
    if (x.dtype, h.dtype, c.dtype) != ("int8", "int8", "int16"):
        raise site.refused(
            f"an input of {x.dtype} with states of {h.dtype} and {c.dtype}",
            "convert it to int8 with states of int8 and int16",
        )
    if math.frexp(c.scale)[0] != 0.5 or c.zero_point:
        raise site.refused("a cell state whose scale is no power of two", DAMAGED)
    ends = (site.result(), *site.intermediates[4:5])  # LiteRT rounds to the latter, Micro to h
    if not all(hidden.same_grid(tensor) for tensor in ends):
        raise site.refused("an output on another scale than the hidden state", DAMAGED)
    forms = {"x": x, "h": h, "h_next": h, "c": c, "kept": c, "added": c, "c_next": c}
    operations: list[Operation] = []
    for gate, name in enumerate(_NAMES):
        operations += _gate(site, gate, name)
        forms |= dict.fromkeys((f"{name}_x", f"{name}_h", f"{name}_sum"), _SUM) | {name: _UNIT}
    forms["c_tanh"] = _UNIT
    operations += [
        Operation("Mul", "kept", ("f", "c")),
        Operation("Mul", "added", ("i", "g")),
        Operation("Add", "c_next", ("kept", "added"), bounds=_bounds(site, c.scale)),
        Operation("Tanh", "c_tanh", ("c_next",)),
        Operation("Mul", "h_next", ("o", "c_tanh")),
    ]
    states = (("h", "h_next"), ("c", "c_next"))
    return Body(tuple(operations), states, "h_next", forms, (1, site.tensor(5).shape[0]))


def _gate(site: Site, gate: int, name: str) -> list[Operation]:
    bias = np.zeros(site.tensor(5).shape[0], np.int32)
    if site.has(12 + gate):
        stored = site.tensor(12 + gate).data
        if stored is None or stored.dtype != np.int32:
            raise site.refused("a bias that is no constant of 32 bits", DAMAGED)
        bias = stored
    of_x, of_h = _product(site, 1 + gate, bias), _product(site, 5 + gate, np.zeros_like(bias))
    return [
        Operation("Gemm", f"{name}_x", ("x",), of_x),
        Operation("Gemm", f"{name}_h", ("h",), of_h),
        Operation("Add", f"{name}_sum", (f"{name}_x", f"{name}_h")),
        Operation("Tanh" if name == "g" else "Sigmoid", name, (f"{name}_sum",)),
    ]


def _product(site: Site, number: int, bias: np.ndarray) -> Product:
    weights = site.tensor(number)
    if weights.data is None or weights.data.dtype != np.int8 or weights.scales is None:
        raise site.refused(f"input {number} is no constant of 8 bits", DAMAGED)
    if weights.scales.size > 1 or np.any(weights.zero_points):
        raise site.refused(f"input {number} has zero points or several scales", DAMAGED)
    return Product(weights.data, weights.scales.astype(np.float32).reshape(()), bias)


def _form(site: Site, tensor: TensorInfo) -> Form:
    if tensor.scales is None or tensor.zero_points is None or tensor.scales.size != 1:
        raise site.refused(f"tensor '{tensor.name}' has no scale", DAMAGED)
    return Form(float(tensor.scales[0]), int(tensor.zero_points[0]), tensor.dtype)


def _bounds(site: Site, scale: float) -> tuple[float, float] | None:
    """Bounds of the cell state, cut to the grid towards zero as TFLite does."""
    clip = float(site.option("CellClip", 0.0))
    most = math.trunc(min(clip / scale, 32767)) * scale
    return (-most, most) if clip else None


TRANSLATORS = {"UNIDIRECTIONAL_SEQUENCE_LSTM": lstm}
