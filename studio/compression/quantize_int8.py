"""Post-training quantisation to int8 in standard QDQ form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression import qdq
from studio.compression.calibration import channel_mean
from studio.compression.constants import constant
from studio.compression.post_training import drafted, previewed
from studio.compression.step import Needs, Step, param
from studio.job import Job, Progress
from studio.model.model import Model
from studio.model.walk import Walk

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class QuantizeInt8:
    """Replace float numbers by 8-bit integers, without training.

    Weights become symmetric int8, activations asymmetric int8 over the ranges that
    calibration samples show, biases int32. Bias correction then removes the mean error
    that rounding leaves in each channel, layer after layer.
    """

    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    method: str = param(
        "min-max", "Range of activations", choices=("min-max", "percentile"),
        help="min-max keeps every value; percentile cuts rare extremes",
    )  # fmt: skip
    percentile: float = param(
        99.99, "Percentile", lo=90.0, hi=100.0, unit="%", help="Used by the method percentile"
    )
    bias_correction: bool = param(True, "Bias correction")


def preview(p: QuantizeInt8, model: Model) -> Model:
    """The quantised graph with real weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already.
    """
    ir, layers = previewed(model, STEP.id, per_channel=p.per_channel, with_bias=p.bias_correction)
    return model.derived(ir, STEP.id, asdict(p), _report(layers, {}))


def run(p: QuantizeInt8, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, quantise, correct the biases.

    Raises:
        RecipeError: the model is quantised already, or there is no data.
        DataError: data of another shape than the model's input.
    """
    draft = yield from drafted(
        model,
        STEP.id,
        data,
        samples=p.samples,
        per_channel=p.per_channel,
        percentile=p.percentile if p.method == "percentile" else 100.0,
        means=p.bias_correction,
    )
    moved: dict[onnx_ir.Node, float] = {}
    walk = Walk(draft.ir, draft.x)
    for index, node in enumerate(draft.layers if p.bias_correction else ()):
        yield Progress(f"Correcting the bias of {node.name}", index / len(draft.layers))
        moved[node] = _correct_bias(walk, node, draft.means[node])
    yield Progress(f"Quantised {len(draft.layers)} layers", 1.0)
    return model.derived(draft.ir, STEP.id, asdict(p), _report(draft.layers, moved))


STEP = Step(
    QuantizeInt8, preview, run, group="Quantise", title="Quantise to int8", needs=Needs.SAMPLES
)


def _report(layers: Sequence[onnx_ir.Node], moved: Mapping[onnx_ir.Node, float]) -> dict[str, str]:
    return {
        node.name or "": "int8 weights"
        + (f", bias moved by up to {moved[node]:.3g}" if node in moved else "")
        for node in layers
    }


def _correct_bias(walk: Walk, node: onnx_ir.Node, mean: npt.NDArray[np.float64]) -> float:
    """Move a layer's int32 bias so that its mean output equals the float model's.

    The layers before it are corrected already (Nagel et al., arXiv 1906.04721, section 4.2).

    Returns:
        The largest correction.
    """
    import onnx_ir

    axis = qdq.channel_axis(node)
    rows = [channel_mean(array, axis) for array in walk.look(node.outputs[0].name or "")]
    error = mean - np.mean(rows, axis=0)
    dequantize = node.inputs[2].producer() if node.inputs[2] is not None else None
    assert dequantize is not None
    stored, scale = dequantize.inputs[:2]
    assert stored is not None and stored.const_value is not None
    steps = stored.const_value.numpy() + np.rint(error / constant(scale)).astype(np.int32)
    stored.const_value = onnx_ir.tensor(steps.astype(np.int32), name=stored.name)
    return float(np.abs(error).max())
