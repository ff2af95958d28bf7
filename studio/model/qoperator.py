"""Integer operators of ONNX and onnxruntime as their real forms between quantise nodes.

QLinearConv, QLinearMatMul and the com.microsoft QLinear family say in one node what the QDQ
form says in several; everything behind the importers knows the QDQ form only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

    Rewriter = Callable[["_Rewriting", onnx.NodeProto], bool]

MICROSOFT = "com.microsoft"
_UNARY = {
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSigmoid": "Sigmoid",
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearSoftmax": "Softmax",
}
_ONLY_HERE = {"channels_last", "opset"}  # attributes that the real forms lack


def expand(model: onnx.ModelProto) -> None:
    """Replace integer operators by QDQ; forms that have no real counterpart stay.

    Args:
        model: opset 13 or newer; it is changed.
    """
    rewriting = _Rewriting(model.graph)
    for node in model.graph.node:
        rewriter = _rewriter(node)
        if rewriter is None or not rewriter(rewriting, node):
            rewriting.keep(node)
    del model.graph.node[:]
    model.graph.node.extend(rewriting.nodes)
    if not any(node.domain == MICROSOFT for node in model.graph.node):
        kept = [opset for opset in model.opset_import if opset.domain != MICROSOFT]
        del model.opset_import[:]
        model.opset_import.extend(kept)


class _Rewriting:
    """The new list of nodes."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._grids: dict[str, tuple[str, str]] = {}
        self._dequantized: dict[tuple[str, str, str, int | None], str] = {}

    def keep(self, node: onnx.NodeProto) -> None:
        """Take a node as it is; remember on which grid a QuantizeLinear puts its result."""
        if node.op_type == "QuantizeLinear" and len(node.input) == 3:
            self._grids[node.output[0]] = (node.input[1], node.input[2])
        self.nodes.append(node)

    def grid_of(self, value: str) -> tuple[str, str] | None:
        """Scale and zero point of an integer value."""
        return self._grids.get(value)

    def array(self, name: str) -> np.ndarray | None:
        """A constant; None for what is computed."""
        from onnx import numpy_helper

        tensor = self._constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def constant(self, array: np.ndarray, name: str) -> str:
        """A new initialiser."""
        from onnx import numpy_helper

        self._constants[name] = numpy_helper.from_array(array, name)
        self._graph.initializer.append(self._constants[name])
        return name

    def real(self, value: str, scale: str, zero_point: str, axis: int | None = None) -> str:
        """The real values of an integer one; `axis` counts where there is a scale a channel."""
        from onnx import helper

        scales = self.array(scale)
        axis = axis if scales is not None and scales.size > 1 else None
        key = (value, scale, zero_point, axis)
        if key not in self._dequantized:
            again = sum(other[0] == value for other in self._dequantized)
            name = f"{value}/dequantize" + (f"_{again + 1}" if again else "")
            inputs = [value, scale, *([zero_point] if zero_point else [])]
            made = helper.make_node("DequantizeLinear", inputs, [name], name=name)
            if axis is not None:
                made.attribute.append(helper.make_attribute("axis", axis))
            self.nodes.append(made)
            self._dequantized[key] = name
        return self._dequantized[key]

    def replace(
        self, node: onnx.NodeProto, op_type: str, inputs: list[str], grid: tuple[str, str]
    ) -> None:
        """The real operator in a node's place, and its result quantised on a grid."""
        from onnx import helper

        out = node.output[0]
        made = helper.make_node(op_type, inputs, [f"{out}/real"], name=node.name)
        made.attribute.extend(a for a in node.attribute if a.name not in _ONLY_HERE)
        self.nodes.append(made)
        name = f"{out}/quantize"
        inputs = [made.output[0], *(part for part in grid if part)]
        self.keep(helper.make_node("QuantizeLinear", inputs, [out], name=name))


def _rewriter(node: onnx.NodeProto) -> Rewriter | None:
    if node.domain == MICROSOFT:
        return _unary if node.op_type in _UNARY else _MICROSOFT.get(node.op_type)
    return _ONNX.get(node.op_type) if node.domain in ("", "ai.onnx") else None


def _option(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((int(a.i) for a in node.attribute if a.name == name), default)


def _conv(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, *bias = node.input
    inputs = [rewriting.real(x, x_scale, x_zero), rewriting.real(w, w_scale, w_zero, 0)]
    if bias:
        scales = _product(rewriting, x_scale, w_scale)
        if scales is None:
            return False
        name = rewriting.constant(scales, f"{node.output[0]}/bias_scale")
        inputs.append(rewriting.real(bias[0], name, "", 0))
    rewriting.replace(node, "Conv", inputs, (y_scale, y_zero))
    return True


def _product(rewriting: _Rewriting, *names: str) -> np.ndarray | None:
    """The scale of a bias; None where a factor is computed at run time."""
    arrays = [rewriting.array(name) for name in names]
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays):
        return None
    scales = np.asarray(np.prod(np.broadcast_arrays(*map(np.ravel, known)), axis=0), np.float32)
    return scales.reshape(()) if scales.size == 1 else scales


def _matmul(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.input
    weights = rewriting.array(b)
    axis = None if weights is None else weights.ndim - 1
    inputs = [rewriting.real(a, a_scale, a_zero), rewriting.real(b, b_scale, b_zero, axis)]
    rewriting.replace(node, "MatMul", inputs, (y_scale, y_zero))
    return True


def _gemm(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    a, a_scale, a_zero, b, b_scale, b_zero, *rest = node.input
    if len(rest) < 3 or any(attribute.name == "alpha" for attribute in node.attribute):
        return False  # a real result, or a factor in the bias's scale
    bias, y_scale, y_zero = rest[:3]
    axis = 0 if _option(node, "transB", 0) else 1
    inputs = [rewriting.real(a, a_scale, a_zero), rewriting.real(b, b_scale, b_zero, axis)]
    if bias:
        scales = _product(rewriting, a_scale, b_scale)
        if scales is None:
            return False
        name = rewriting.constant(scales, f"{node.output[0]}/bias_scale")
        inputs.append(rewriting.real(bias, name, "", 0))
    rewriting.replace(node, "Gemm", inputs, (y_scale, y_zero))
    return True


def _binary(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    a, a_scale, a_zero, b, b_scale, b_zero, *grid = node.input
    inputs = [rewriting.real(a, a_scale, a_zero), rewriting.real(b, b_scale, b_zero)]
    rewriting.replace(node, node.op_type.removeprefix("QLinear"), inputs, _grid(grid))
    return True


def _unary(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    x, scale, zero, *grid = node.input
    if _option(node, "channels_last", 0):
        return False
    old = node.op_type == "QLinearSoftmax" and _option(node, "opset", 13) < 13
    if old and _option(node, "axis", -1) != -1:
        return False  # the old form takes all axes from there on as one
    rewriting.replace(node, _UNARY[node.op_type], [rewriting.real(x, scale, zero)], _grid(grid))
    return True


def _concat(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    scale, zero, *parts = node.input
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    inputs = [rewriting.real(*triple) for triple in triples]
    rewriting.replace(node, "Concat", inputs, (scale, zero))
    return True


def _max_pool(rewriting: _Rewriting, node: onnx.NodeProto) -> bool:
    """MaxPool of integers, which keeps their grid."""
    grid = rewriting.grid_of(node.input[0])
    if grid is None or len(node.output) > 1:
        return False
    rewriting.replace(node, "MaxPool", [rewriting.real(node.input[0], *grid)], grid)
    return True


def _grid(names: list[str]) -> tuple[str, str]:
    scale, zero = (*names, "")[:2]
    return scale, zero


_ONNX: dict[str, Rewriter] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "MaxPool": _max_pool,
}
_MICROSOFT: dict[str, Rewriter] = {
    "QLinearAdd": _binary,
    "QLinearMul": _binary,
    "QLinearConcat": _concat,
    "QGemm": _gemm,
}
