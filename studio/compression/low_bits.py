"""Giving the layers of a QDQ graph other integer weights, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.compression import qdq
from studio.compression.constants import constant, real
from studio.compression.layer_inputs import Moments, Walks, as_matrix, from_matrix, measure
from studio.compression.post_training import WIDE_OPSET, Draft, previewed
from studio.compression.rounding import Real, Rounding, as_float32, range_scales, searched_scales
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir


@dataclass(frozen=True, slots=True)
class How:
    """How to round a layer's weights.

    Attributes:
        rounding: to integers of a given scale.
        search: the rounding with which the scale of least error is searched; None takes the
            scale of the range.
        per_channel: one scale per output channel, or one for all.
        compensate: aim at the float net's output in spite of the noise of earlier layers.
        correct: correct the bias.
        refine_int8: round the weights of layers that stay at 8 bits as well, so that they make
            good what those before them do.
    """

    rounding: Rounding
    search: Rounding | None
    per_channel: bool = True
    compensate: bool = True
    correct: bool = True
    refine_int8: bool = False


@dataclass(frozen=True, slots=True)
class Integers:
    """A layer's weights as integers.

    Attributes:
        stored: float64 [groups, outputs, inputs], whole numbers.
        scale: float64 [groups, outputs, 1].
        bits: 4 or 8.
    """

    stored: Real
    scale: Real
    bits: int

    @property
    def size_bytes(self) -> int:
        """Bytes that they take, packed."""
        return -(-self.stored.size * self.bits // 8)

    def noise_db(self, matrix: Real, moments: Moments) -> float:
        """Signal-to-noise ratio that they leave at the layer's output, the bias corrected."""
        error = self.stored * self.scale - matrix
        signal, noise = (_power(part, moments.covariance) for part in (matrix, error))
        return float(10 * np.log10(signal / noise)) if noise > 0 < signal else float("inf")


def rounded(
    draft: Draft,
    node: onnx_ir.Node,
    bits: int,
    moments: Moments,
    how: How,
) -> Integers:
    """Integers for a layer's float weights."""
    matrix = as_matrix(node, draft.weights[node])
    matrix = moments.target(matrix) if how.compensate else matrix
    bias = draft.biases.get(node)
    floor = 0.0
    if bias is not None and not _is_wide(node):  # the bias must fit int32
        floor = float(np.abs(bias).max()) / (_input_scale(node) * qdq.BIAS_LIMIT)
    covariance = moments.covariance
    if not how.correct:  # nothing else takes care of the mean
        covariance = covariance + moments.mean[:, :, None] * moments.mean[:, None, :]
    if how.search is not None and bits < 8:  # at 8 bits there is nothing to find
        scale = searched_scales(matrix, bits, covariance, how.search, how.per_channel, floor)
    else:
        scale = as_float32(np.maximum(range_scales(matrix, bits, how.per_channel), floor))
    return Integers(how.rounding(covariance)(matrix, scale, bits), scale, bits)


def current(node: onnx_ir.Node, bits: int = 8) -> Integers:
    """The integers that a layer has now."""
    stored, scale = _constants(node, 1)
    matrix = as_matrix(node, real(stored))
    scales = np.broadcast_to(real(scale).reshape(-1, 1), (matrix.shape[0] * matrix.shape[1], 1))
    return Integers(matrix, scales.reshape(*matrix.shape[:2], 1), bits)


def store(draft: Draft, node: onnx_ir.Node, integers: Integers) -> None:
    """Give a layer these weights, and its bias the scale that goes with them."""
    stored, scale = _constants(node, 1)
    shape = draft.weights[node].shape
    _replace(stored, _typed(from_matrix(node, integers.stored, shape), integers.bits))
    per_channel = scale.shape is not None and len(scale.shape) > 0
    scales = integers.scale.ravel() if per_channel else integers.scale.ravel()[0]
    _replace(scale, np.asarray(scales, np.float32))
    if node in draft.biases:
        set_bias(node, draft.biases[node])


def set_bias(node: onnx_ir.Node, bias: Real) -> None:
    """Write a layer's bias in steps of input scale times weight scale."""
    stored, scale = _constants(node, 2)
    limits: np.iinfo[Any] = np.iinfo(np.int32)
    if _is_wide(node):
        cast = stored.producer()
        assert cast is not None and cast.inputs[0] is not None
        stored, limits = cast.inputs[0], np.iinfo(np.int64)
    factor = (real(_constants(node, 1)[1]) * _input_scale(node)).astype(np.float32)
    _replace(scale, factor)
    steps = np.clip(np.rint(bias / factor), limits.min, limits.max)
    _replace(stored, steps.astype(limits.dtype))


def correct_bias(draft: Draft, node: onnx_ir.Node, moments: Moments) -> float:
    """Make a layer's mean output equal the float model's; returns the largest correction."""
    now = current(node)
    answer = ((now.stored * now.scale) @ moments.mean[:, :, None]).ravel()
    bias = draft.means[node] - answer
    moved = float(np.abs(bias - draft.biases[node]).max())
    draft.biases[node] = bias
    set_bias(node, bias)
    return moved


def outline(
    model: Model,
    step: str,
    per_channel: bool,
    keep_first: bool,
    keep_last: bool,
    with_bias: bool = True,
) -> tuple[onnx_ir.Model, dict[str, str]]:
    """Structure only: a QDQ graph with int4 weights, and what each layer gets.

    Raises:
        RecipeError: the model is quantised already, or no layer can take 4 bits.
    """
    ir, layers = previewed(
        model, step, per_channel=per_channel, with_bias=with_bias, opset=WIDE_OPSET
    )
    chosen = _chosen(layers, step, keep_first, keep_last)
    for node in chosen:
        placeholder(node)
    return ir, {n.name or "": f"int{4 if n in chosen else 8} weights" for n in layers}


def refine_all(
    draft: Draft, step: str, how: How, keep_first: bool, keep_last: bool
) -> Job[dict[str, str]]:
    """`refine` layer after layer; returns what was done to each.

    Raises:
        RecipeError: no layer can take 4 bits.
    """
    chosen = _chosen(draft.layers, step, keep_first, keep_last)
    report = {}
    walks = draft.walks()
    for index, node in enumerate(draft.layers):
        yield Progress(f"Rounding {node.name}", index / len(draft.layers))
        bits = 4 if node in chosen else 8
        report[node.name or ""] = yield from refine(draft, walks, node, bits, how)
    yield Progress(f"Quantised {len(draft.layers)} layers", 1.0)
    return report


def refine(draft: Draft, walks: Walks, node: onnx_ir.Node, bits: int, how: How) -> Job[str]:
    """Measure what a layer reads in the graph as it stands, round its weights, set its bias.

    Args:
        draft: changed in place.
        walks: through its two forms, up to the layer before.
        node: a layer of the draft.
        bits: 4, or 8 to keep its weights unless `how` refines them.
        how: to round.

    Returns:
        What was done, in words.
    """
    moments = yield from measure(walks, node)
    if bits < 8 or how.refine_int8:
        store(draft, node, rounded(draft, node, bits, moments, how))
    text = f"int{bits} weights"
    noise_db = current(node).noise_db(as_matrix(node, draft.weights[node]), moments)
    text += f" at {noise_db:.1f} dB" if np.isfinite(noise_db) else ""
    if how.correct:
        text += f", bias moved by up to {correct_bias(draft, node, moments):.3g}"
    return text


def placeholder(node: onnx_ir.Node) -> None:
    """Structure only: a layer's int8 weights in 4 bits."""
    stored, scale = _constants(node, 1)
    table = _typed(np.rint(np.arange(256, dtype=np.uint8).view(np.int8) * (7 / 127)), 4)
    array = constant(stored)
    assert array is not None
    _replace(stored, table[array.view(np.uint8)])
    _replace(scale, (real(scale) * (127 / 7)).astype(np.float32))
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias, factor = _constants(node, 2)
        _replace(factor, (real(factor) * (127 / 7)).astype(np.float32))
        _replace(bias, np.rint(real(bias) * (7 / 127)).astype(np.int32))


def _chosen(
    layers: Sequence[onnx_ir.Node], step: str, keep_first: bool, keep_last: bool
) -> Sequence[onnx_ir.Node]:
    """The layers without those to keep.

    Raises:
        RecipeError: none is left.
    """
    chosen = layers[int(keep_first) : len(layers) - int(keep_last)]
    if not chosen:
        raise RecipeError(
            "no layer is left to give fewer bits" if layers else "the model has no Conv or Gemm",
            step,
            "keep fewer layers at 8 bits" if layers else "leave the step out",
        )
    return chosen


def _power(rows: Real, covariance: Real) -> float:
    return float(((rows @ covariance) * rows).sum())


def _typed(stored: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    import ml_dtypes

    plain = stored.astype(np.int8)
    return plain.astype(ml_dtypes.int4) if bits == 4 else plain


def _input_scale(node: onnx_ir.Node) -> float:
    return float(real(_constants(node, 0)[1]))


def _is_wide(node: onnx_ir.Node) -> bool:
    """Whether a layer's bias is int64, as Cast and Mul."""
    maker = node.inputs[2].producer() if len(node.inputs) > 2 and node.inputs[2] else None
    return maker is not None and maker.op_type == "Mul"


def _constants(node: onnx_ir.Node, index: int) -> tuple[onnx_ir.Value, onnx_ir.Value]:
    """Integers (computed ones for an activation or a wide bias) and scale behind an input."""
    value = node.inputs[index]
    dequantize = value.producer() if value is not None else None
    assert dequantize is not None
    stored, scale = dequantize.inputs[:2]
    assert stored is not None and scale is not None
    return stored, scale


def _replace(value: onnx_ir.Value, array: npt.NDArray[Any]) -> None:
    import onnx_ir

    tensor = onnx_ir.Tensor(array, name=value.name)
    value.const_value = tensor
    value.dtype = tensor.dtype
