"""Post-training quantisation with 4-bit weights and 8-bit activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from studio.compression.low_bits import How, chosen_layers, placeholder, refine
from studio.compression.post_training import WIDE_OPSET, drafted, previewed
from studio.compression.rounding import gptq, nearest
from studio.compression.step import Needs, Step, param
from studio.job import Job, Progress
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
    ir, layers = previewed(
        model,
        STEP.id,
        per_channel=p.per_channel,
        with_bias=p.bias_correction,
        opset=WIDE_OPSET,
    )
    chosen = chosen_layers(tuple(layers), STEP.id, p.keep_first, p.keep_last)
    for node in chosen:
        placeholder(node)
    report = {n.name or "": f"int{4 if n in chosen else 8} weights" for n in layers}
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
    chosen = chosen_layers(draft.layers, STEP.id, p.keep_first, p.keep_last)
    how = How(
        _ROUNDINGS[p.rounding], p.per_channel, p.scales == "mse", p.compensate, p.bias_correction
    )
    report = {}
    for index, node in enumerate(draft.layers):
        yield Progress(f"Rounding {node.name}", index / len(draft.layers))
        bits = 4 if node in chosen else 8
        report[node.name or ""] = yield from refine(draft, node, bits, how)
    yield Progress(f"Quantised {len(draft.layers)} layers", 1.0)
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    QuantizeInt4, preview, run, group="Quantise", title="Quantise to int4", needs=Needs.SAMPLES
)
