"""Post-training quantisation with 16-bit activations and 8-bit weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from studio.compression import qdq
from studio.compression.low_bits import How, refine
from studio.compression.post_training import WIDE_OPSET, drafted, previewed
from studio.compression.rounding import gptq
from studio.compression.step import Needs, Step, param
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.data.dataset import Dataset

_HOW = How(gptq, None, refine_int8=True)


@dataclass(frozen=True, slots=True)
class QuantizeInt16:
    """Compute on 16-bit activations with 8-bit weights, without training.

    For signals whose range 8 bits cannot span, such as audio. Activations take twice the RAM of
    int8; they are symmetric, one scale for a tensor, as in TFLite's 16x8 scheme. Weights stay
    int8; each column's rounding error is made good by the columns after it.
    """

    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    headroom: float = param(
        2.0, "Headroom", lo=1.0, hi=64.0, unit="x",
        help="How much larger than in the samples a value may get before it is cut",
    )  # fmt: skip
    refine: bool = param(
        True, "Refine weights", help="Round weights by what the layer reads, and correct the bias"
    )


def preview(p: QuantizeInt16, model: Model) -> Model:
    """The quantised graph with plainly rounded weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already.
    """
    ir, layers = previewed(
        model,
        STEP.id,
        per_channel=p.per_channel,
        with_bias=p.refine,
        opset=WIDE_OPSET,
        form=qdq.INT16,
    )
    report = {node.name or "": "int8 weights, int16 activations" for node in layers}
    return model.derived(ir, STEP.id, asdict(p), report)


def run(p: QuantizeInt16, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, quantise, refine layer after layer.

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
        means=p.refine,
        opset=WIDE_OPSET,
        form=qdq.INT16,
        headroom=p.headroom,
    )
    report, walks = {}, draft.walks()
    for index, node in enumerate(draft.layers):
        report[node.name or ""] = "int8 weights, int16 activations"
        if p.refine:
            yield Progress(f"Rounding {node.name}", index / len(draft.layers))
            report[node.name or ""] = yield from refine(draft, walks, node, 8, _HOW)
    yield Progress(f"Quantised {len(draft.layers)} layers", 1.0)
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    QuantizeInt16,
    preview,
    run,
    group="Quantise",
    title="Quantise to int16",
    needs=Needs.SAMPLES,
)
