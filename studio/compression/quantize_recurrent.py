"""Quantise recurrent nets: int8 weights, int16 states and gates, the rest int8."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression.low_bits import How, refine
from studio.compression.post_training import PLACEHOLDER, WIDE_OPSET, drafted, previewed
from studio.compression.qdq import Grid
from studio.compression.recurrent_cell import KINDS, Cell, cells
from studio.compression.recurrent_writer import write
from studio.compression.rounding import nearest
from studio.compression.step import Needs, Step, param
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model
from studio.model.walk import Walk

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset

_KEEP = How(nearest, None)
_UNIT = 1 / 32768


@dataclass(frozen=True, slots=True)
class QuantizeRecurrent:
    """Quantise GRU, LSTM and RNN layers gate by gate, and the rest of the net to int8.

    Weights become int8. What a cell carries from step to step, its gates and the tables of
    sigmoid and tanh take 16 bits, since an error there is fed back at every step. A layer
    becomes an ONNX Scan whose body is in QDQ form.
    """

    samples: int = param(256, "Calibration samples", lo=1, hi=100_000)
    bias_correction: bool = param(True, "Bias correction", help="Of the layers that become int8")


def preview(p: QuantizeRecurrent, model: Model) -> Model:
    """The quantised graph with plainly rounded weights and placeholder scales.

    Raises:
        RecipeError: the model is quantised already, or has no recurrent layer that can be.
    """
    _found(model)
    ir, _ = previewed(model, STEP.id, with_bias=p.bias_correction, opset=WIDE_OPSET)
    report = {}
    for node in [node for node in ir.graph if node.op_type in KINDS]:
        every = cells(node, STEP.id)
        report[node.name or ""] = _words(node)
        write(ir.graph, node, every, [_scales(cell, {}) for cell in every], Grid.over(*PLACEHOLDER))
    return model.derived(ir, STEP.id, asdict(p), report)


def run(p: QuantizeRecurrent, model: Model, data: Dataset | None) -> Job[Model]:
    """Calibrate, quantise the rest to int8 and the recurrent layers gate by gate.

    Raises:
        RecipeError: as `preview`, or there is no data.
        DataError: data of another shape than the model's input.
    """
    _found(model)
    draft = yield from drafted(
        model, STEP.id, data, samples=p.samples, means=p.bias_correction, opset=WIDE_OPSET
    )
    report, walk = {}, Walk(model.ir, draft.x)
    for node in [node for node in draft.ir.graph if node.op_type in KINDS]:
        yield Progress(f"Quantising {node.name}")
        every, x = cells(node, STEP.id), _sequences(model, node, walk)
        turned = [x, x[:, ::-1]] if _direction(node) != "reverse" else [x[:, ::-1]]
        scales = [
            _scales(cell, cell.trace(part)) for cell, part in zip(every, turned, strict=False)
        ]
        report[node.name or ""] = _words(node)
        write(draft.ir.graph, node, every, scales, Grid.over(float(x.min()), float(x.max())))
    walks = draft.walks()
    for index, node in enumerate(draft.layers if p.bias_correction else ()):
        yield Progress(f"Correcting the bias of {node.name}", index / len(draft.layers))
        report[node.name or ""] = yield from refine(draft, walks, node, 8, _KEEP)
    return model.derived(draft.ir, STEP.id, asdict(p), report)


STEP = Step(
    QuantizeRecurrent,
    preview,
    run,
    group="Quantise",
    title="Quantise recurrent net",
    needs=Needs.SAMPLES,
)


def _found(model: Model) -> None:
    if not model.quantized and not any(node.op_type in KINDS for node in model.ir.graph):
        raise RecipeError(
            "the model has no recurrent layer", STEP.id, "quantise it to int8 instead"
        )


def _direction(node: onnx_ir.Node) -> str:
    return node.attributes.get_string("direction", "forward")


def _words(node: onnx_ir.Node) -> str:
    return f"{node.op_type}: int8 weights, int16 states and gates"


def _sequences(model: Model, node: onnx_ir.Node, walk: Walk) -> npt.NDArray[np.float64]:
    """What a recurrent layer of the float model reads: [samples, time, inputs]."""
    name = next(n for n in model.ir.graph if n.name == node.name).inputs[0]
    assert name is not None
    rows = [array[:, 0] for array in walk.look(name.name or "")]
    return np.stack(rows).astype(np.float64)


def _scales(cell: Cell, largest: dict[str, float]) -> dict[str, float]:
    """An int16 scale for each value of a cell: a power of two, alike within a group.

    Results of sigmoid and tanh, and what is mixed from them, stay within one.
    """
    group = {op.out: op.group or op.out for op in cell.operations}
    group |= {name: group[after] for name, after, _ in cell.states}
    for name, after, _ in cell.states:  # a state and its next value are one
        group = {value: (name if g == group[after] else g) for value, g in group.items()}
    peaks: dict[str, float] = {}
    for value, name in group.items():
        peaks[name] = max(peaks.get(name, 0.0), largest.get(value, 1.0))
    bounded = {op.out for op in cell.operations if op.kind in ("Sigmoid", "Tanh")} | {"h"}
    scales = {}
    for value, name in group.items():
        if name in bounded and peaks[name] <= 1.0:
            scales[value] = _UNIT
        else:
            scales[value] = float(2.0 ** np.ceil(np.log2(max(peaks[name], 2.0**-8)))) * _UNIT
    return scales
