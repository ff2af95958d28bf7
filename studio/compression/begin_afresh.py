"""Let every run begin with fresh state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.compression.step import Step
from studio.errors import RecipeError
from studio.job import Job, Progress
from studio.model.model import STATES
from studio.model.normalize import fold_constants

if TYPE_CHECKING:
    from studio.data.dataset import Dataset
    from studio.model.model import Model


@dataclass(frozen=True, slots=True)
class BeginAfresh:
    """Forget what the model would carry from run to run: its state becomes a constant.

    For nets that see a whole sequence in one run, as most LSTMs in TFLite files do. The other
    steps work on what comes out.
    """


def preview(p: BeginAfresh, model: Model) -> Model:
    """The model without state.

    Raises:
        RecipeError: it has none.
    """
    if not model.states:
        raise RecipeError("the model carries no state", STEP.id, "leave the step out")
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    ir = model.clone_ir()
    before = {state.input for state in model.states}
    after = {state.output for state in model.states}
    inputs = [value for value in ir.graph.inputs if value.name not in before]
    outputs = [value for value in ir.graph.outputs if value.name not in after]
    for values, kept in ((ir.graph.inputs, inputs), (ir.graph.outputs, outputs)):
        values.clear()
        values.extend(kept)
    del ir.metadata_props[STATES]
    while fold_constants(ir.graph):
        pass
    RemoveUnusedNodesPass()(ir)
    report = {state.input: "begins every run as it is first" for state in model.states}
    return model.derived(ir, STEP.id, {}, report)


def run(p: BeginAfresh, model: Model, data: Dataset | None) -> Job[Model]:
    """As `preview`: nothing is measured."""
    yield Progress("Forgetting state", 0.0)
    return preview(p, model)


STEP = Step(
    BeginAfresh, preview, run, group="Prepare", title="Begin each run afresh", takes_state=True
)
