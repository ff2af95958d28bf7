"""Operators on one or two tensors, element by element."""

from __future__ import annotations

import numpy as np

from studio.model.importers.tflite.operator import Site, Translator

BINARY = {
    "ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "MINIMUM": "Min", "MAXIMUM": "Max",
    "POW": "Pow", "EQUAL": "Equal", "GREATER": "Greater", "GREATER_EQUAL": "GreaterOrEqual",
    "LESS": "Less", "LESS_EQUAL": "LessOrEqual", "LOGICAL_AND": "And", "LOGICAL_OR": "Or",
}  # fmt: skip
UNARY = {
    "RELU": "Relu", "LOGISTIC": "Sigmoid", "TANH": "Tanh", "ABS": "Abs", "NEG": "Neg",
    "EXP": "Exp", "LOG": "Log", "SQRT": "Sqrt", "SIN": "Sin", "COS": "Cos", "FLOOR": "Floor",
    "CEIL": "Ceil", "ROUND": "Round", "ELU": "Elu", "HARD_SWISH": "HardSwish",
    "LOGICAL_NOT": "Not", "SIGN": "Sign",
}  # fmt: skip


def binary(site: Site) -> None:
    """Two operands, broadcast, and a fused activation."""
    first = site.result_prefers_first()
    numbers = (0, 1)
    if site.kind in ("ADD", "MUL") and site.tensor(0).shape != site.result().shape:
        numbers = (1, 0)  # the larger one first, as kernels take them
    out = site.emit(BINARY[site.kind], *(site.operand(number, first) for number in numbers))
    site.done(site.activated_if_any(out), first)


def squared_difference(site: Site) -> None:
    """(a - b)^2."""
    first = site.result_prefers_first()
    difference = site.emit("Sub", site.operand(0, first), site.operand(1, first))
    site.done(site.emit("Mul", difference, difference), first)


def unary(site: Site) -> None:
    """One operand."""
    first = site.prefers_first()
    site.done(site.emit(UNARY[site.kind], site.x(0, first)), first)


def square(site: Site) -> None:
    """X times itself."""
    first = site.prefers_first()
    site.done(site.emit("Mul", site.x(0, first), site.x(0, first)), first)


def rsqrt(site: Site) -> None:
    """1 / sqrt(x)."""
    first = site.prefers_first()
    site.done(site.emit("Reciprocal", site.emit("Sqrt", site.x(0, first))), first)


def relu6(site: Site) -> None:
    """Clip from 0 to 6, or from -1 to 1."""
    first = site.prefers_first()
    bounds = (0.0, 6.0) if site.kind == "RELU6" else (-1.0, 1.0)
    site.done(site.clipped(site.x(0, first), *bounds), first)


def leaky_relu(site: Site) -> None:
    """X where positive, else alpha times x."""
    first = site.prefers_first()
    alpha = float(site.option("Alpha"))
    site.done(site.emit("LeakyRelu", site.x(0, first), alpha=alpha), first)


def prelu(site: Site) -> None:
    """X where positive, else x times the slope of its channel."""
    first = site.result_prefers_first()
    site.done(site.emit("PRelu", site.operand(0, first), site.operand(1, first)), first)


def gelu(site: Site) -> None:
    """X times the normal distribution's cumulative probability."""
    first = site.prefers_first()
    approximate = "tanh" if site.option("Approximate", False) else "none"
    site.done(site.emit("Gelu", site.x(0, first), approximate=approximate), first)


def softmax(site: Site) -> None:
    """Softmax or LogSoftmax over the last axis."""
    first = site.prefers_first()
    rank = len(site.tensor().shape)
    value = site.x(0, first)
    beta = float(site.option("Beta")) if site.kind == "SOFTMAX" else 1.0
    if beta != 1.0:
        value = site.emit("Mul", value, site.const(beta, np.float32, "beta"))
    op_type = "Softmax" if site.kind == "SOFTMAX" else "LogSoftmax"
    axis = site.axis_in(rank - 1, first) if rank else 0
    site.done(site.emit(op_type, value, axis=axis), first)


def select(site: Site) -> None:
    """Where: the second operand where the first is true, else the third."""
    first = site.result_prefers_first()
    site.done(site.emit("Where", *(site.operand(number, first) for number in range(3))), first)


def cast(site: Site) -> None:
    """Cast; to or from quantised tensors it would mean their stored integers."""
    from onnx import helper

    tensor, result = site.tensor(), site.result()
    if tensor.quantized or result.quantized:
        raise site.refused("of a quantised tensor", "remove it, or export in float")
    first = site.prefers_first()
    try:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(result.dtype))
    except TypeError:
        raise site.refused(f"to type {result.dtype}") from None
    site.done(site.emit("Cast", site.x(0, first), to=kind), first)


def quantize(site: Site) -> None:
    """QUANTIZE and DEQUANTIZE: the same values; the result's own grid does the rest."""
    first = site.prefers_first()
    site.done(site.x(0, first), first, view=site.kind == "DEQUANTIZE")


TRANSLATORS: dict[str, Translator] = {
    **dict.fromkeys(BINARY, binary),
    **dict.fromkeys(UNARY, unary),
    "SQUARED_DIFFERENCE": squared_difference,
    "SQUARE": square,
    "RSQRT": rsqrt,
    "RELU6": relu6,
    "RELU_N1_TO_1": relu6,
    "LEAKY_RELU": leaky_relu,
    "PRELU": prelu,
    "GELU": gelu,
    "SOFTMAX": softmax,
    "LOG_SOFTMAX": softmax,
    "SELECT": select,
    "SELECT_V2": select,
    "CAST": cast,
    "QUANTIZE": quantize,
    "DEQUANTIZE": quantize,
}
