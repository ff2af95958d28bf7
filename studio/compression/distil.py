"""Teach a smaller net what a large one knows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from studio.compression import channels
from studio.compression.checkpoint import Checkpoints
from studio.compression.constants import set_constant
from studio.compression.recovery import recover, with_biases
from studio.compression.step import Needs, Step, param
from studio.compression.training import Schedule, check_trainable, teaching
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import Model

if TYPE_CHECKING:
    import onnx_ir

    from studio.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Distil:
    """Train a student with fewer channels on the answers of this model, its teacher.

    The student has the teacher's form with a share of its channels and starts from chance. It
    learns the teacher's softened probabilities and, where there are labels, those as well
    (Hinton et al., arXiv 1503.02531).
    """

    width: float = param(0.5, "Student's channels", lo=0.05, hi=1.0, help="Share of the teacher's")
    multiple: int = param(4, "Keep channel counts a multiple of", lo=1, hi=64)
    temperature: float = param(2.0, "Temperature", lo=0.5, hi=20.0)
    alpha: float = param(
        0.7, "Weight of the teacher", lo=0.0, hi=1.0, help="The rest is the labels'"
    )
    epochs: int = param(40, "Epochs", lo=1, hi=10_000)
    rate: float = param(1e-2, "Learning rate", lo=1e-7, hi=1.0)
    seed: int = param(0, "Seed", lo=0, hi=1_000_000)


def preview(p: Distil, model: Model) -> Model:
    """The student's structure, with weights from chance.

    Raises:
        RecipeError: the model is quantised, or the student would be the teacher.
    """
    student = _student(p, model)
    return model.derived(student.ir, STEP.id, asdict(p), _report(model, student))


def run(
    p: Distil, model: Model, data: Dataset | None, checkpoints: Checkpoints | None = None
) -> Job[Model]:
    """Make the student and train it.

    Raises:
        RecipeError: as `preview`; no data; training that diverges.
        DataError: data that do not fit the model.
    """
    student = _student(p, model)
    trainable = check_trainable(model, data, STEP.id)
    yield Progress("Asking the teacher", 0.0)
    loss = teaching(model, trainable, p.alpha, p.temperature)
    schedule = Schedule(p.epochs, p.rate, seed=p.seed)
    result = yield from recover(
        student, trainable, schedule, (checkpoints or Checkpoints()).next(), loss=loss,
        text="Teaching",
    )  # fmt: skip
    return model.derived(result.clone_ir(), STEP.id, asdict(p), _report(model, result))


STEP = Step(
    Distil, preview, run, group="Train", title="Distil into a smaller net", needs=Needs.SAMPLES,
    trains=True,
)  # fmt: skip


def _student(p: Distil, model: Model) -> Model:
    """The teacher's form with fewer channels and weights from chance."""
    if model.quantized:
        raise RecipeError("the model is quantised", STEP.id, "distil before quantising")
    ir = model.clone_ir()
    found = channels.analyse(ir.graph)
    groups = found.groups()
    counts = list(channels.counts_at(groups, 1 - p.width, p.multiple))
    if counts == [len(group) for group in groups]:
        raise RecipeError(
            "the student would be as large as its teacher", STEP.id,
            "choose fewer channels or a smaller multiple",
        )  # fmt: skip
    kept = channels.kept_of(found, groups, counts, np.zeros(len(found.parent)))
    channels.remove(ir.graph, found, kept)
    random = np.random.default_rng(p.seed)
    for node in ir.graph:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            _draw(ir.graph, node, random)
    return with_biases(Model.from_ir(ir, model.name))


def _draw(graph: onnx_ir.Graph, node: onnx_ir.Node, random: np.random.Generator) -> None:
    """Weights from chance (He et al., arXiv 1502.01852), biases of zero."""
    for index, value in enumerate(node.inputs):
        if index == 0 or value is None or value.const_value is None or value.shape is None:
            continue
        shape = tuple(int(n) for n in value.shape.numpy())
        role = {1: "weight", 2: "bias"}[index]
        array: npt.NDArray[np.float64] = np.zeros(shape)
        if index == 1:
            turned = node.op_type == "MatMul" or not int(node.attributes.get_int("transB", 0))
            rows = node.op_type != "Conv" and turned
            inputs = math.prod(shape[:-1] if rows else shape[1:])
            array = random.normal(0, math.sqrt(2 / inputs), shape)
        set_constant(graph, node, index, role, array)


def _report(teacher: Model, student: Model) -> dict[str, str]:
    told = {}
    for node in teacher.ir.graph:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            out, axis = node.outputs[0].name or "", 1 if node.op_type == "Conv" else -1
            was, now = teacher.shape_of(out)[axis], student.shape_of(out)[axis]
            told[node.name or ""] = f"{was} channels, the student has {now}"
    return told
