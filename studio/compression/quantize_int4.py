"""Post-training quantisation with 4-bit weights and 8-bit activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from studio.compression.low_bits import How, outline, refine_all
from studio.compression.post_training import WIDE_OPSET, drafted
from studio.compression.rounding import gptq, nearest
from studio.compression.step import Needs, Step, param
from studio.job import Job
from studio.model.model import Model

if TYPE_CHECKING:
    from studio.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class QuantizeInt4:
    """Store weights in 4 bits and compute on 8-bit activations, without training.

    Halves the flash that int8 weights take. Layer after layer, the scale that leaves the least
    error at the output is searched, each column's rounding error is made good by the columns
    after it (GPTQ), and the bias takes up what is left on average.
    """

    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    rounding: str = param(
        "gptq", "Rounding of weights", choices=("gptq", "nearest"),
        help="gptq minds what the layer reads; nearest takes each weight by itself",
    )  # fmt: skip
    scales: str = param(
        "mse", "Scale of weights", choices=("mse", "range"),
        help="mse searches for the least squared error of the layer; range keeps every weight",
    )  # fmt: skip
    per_channel: bool = param(
        True, "One scale per channel", help="Scale each output channel of the weights by itself"
    )
    compensate: bool = param(
        True, "Make good earlier layers", help="Aim at the float net's output of each layer"
    )
    bias_correction: bool = param(True, "Bias correction")
    keep_first: bool = param(False, "First layer stays int8")
    keep_last: bool = param(False, "Last layer stays int8")


_ROUNDINGS = {"gptq": gptq, "nearest": nearest}


def preview(p: QuantizeInt4, model: Model) -> Model:
    """The quantised graph with plainly rounded weights and placeholder activation scales.

    Raises:
        RecipeError: the model is quantised already, or no layer can take 4 bits.
    """
    ir, report = outline(
        model, STEP.id, p.per_channel, p.keep_first, p.keep_last, p.bias_correction
    )
    return model.derived(ir, STEP.id, asdict(p), report)


def run(p: QuantizeInt4, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, round layer after layer, correct the biases.

    Raises:
        RecipeError: as `preview`, or there is no data.
        DataError: data of another shape than the model's input.
    """
    draft = yield from drafted(
        model,
        STEP.id,
        data,
        samples=p.samples,
        per_channel=p.per_channel,
        means=p.bias_correction,
        opset=WIDE_OPSET,
    )
    rounding = _ROUNDINGS[p.rounding]
    search = rounding if p.scales == "mse" else None
    how = How(rounding, search, p.per_channel, p.compensate, p.bias_correction)
    report = yield from refine_all(draft, STEP.id, how, p.keep_first, p.keep_last)
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    QuantizeInt4, preview, run, group="Quantise", title="Quantise to int4", needs=Needs.SAMPLES
)
