"""Training that wins back what a change of structure has cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from studio.compression import fold_batch_norm, insert_batch_norm
from studio.compression.checkpoint import Checkpoint
from studio.compression.constants import set_constant
from studio.compression.training import Loss, Schedule, train
from studio.data.dataset import Dataset
from studio.job import Job
from studio.model.execute import Network
from studio.model.model import Model

_SAMPLES = 256


def recover(
    model: Model,
    data: Dataset,
    schedule: Schedule,
    checkpoint: Checkpoint,
    *,
    batch_norm: bool = True,
    hold: Callable[[Network], Callable[[], None]] = lambda network: lambda: None,
    loss: Loss | None = None,
    **shown: Any,
) -> Job[Model]:
    """Train with batch norms that are inserted before and folded away after.

    Args:
        model: a float model.
        data: as for `train`.
        schedule: how to train.
        checkpoint: of this training.
        batch_norm: without, the graph is trained as it is.
        hold: makes from the network what is called after each step, as in `train`.
        loss: as for `train`.
        shown: `part` and `text` of `train`.
    """
    normed = with_batch_norm(model, data) if batch_norm else model
    network = Network(normed)
    yield from train(network, data, schedule, checkpoint, loss=loss, hold=hold(network), **shown)
    return without_batch_norm(model, network.write_back()) if batch_norm else network.write_back()


@lru_cache(maxsize=2)  # a slider asks for it at each move
def with_biases(model: Model) -> Model:
    """The model with a bias, if only zeros, in each layer that will take a batch norm in."""
    layers = insert_batch_norm.normalizable(model)
    ir = model.clone_ir()
    for node in ir.graph:
        if node.name in layers and (len(node.inputs) < 3 or node.inputs[2] is None):
            node.resize_inputs(3)
            zeros = np.zeros(model.shape_of(layers[node.name])[1], np.float32)
            set_constant(ir.graph, node, 2, "bias", zeros)
    return Model.from_ir(ir, model.name)


def with_batch_norm(model: Model, data: Dataset) -> Model:
    """The model with a batch norm behind each layer that has none, if any."""
    layers = tuple(insert_batch_norm.normalizable(model).values())
    if not layers:
        return model
    found = insert_batch_norm.moments(model, data.calibration(_SAMPLES), layers)
    return Model.from_ir(insert_batch_norm.inserted(model, found), model.name)


def without_batch_norm(original: Model, trained: Model) -> Model:
    """The trained model with the batch norms folded that the original did not have."""
    ir = trained.clone_ir()
    known = {node.name for node in original.ir.graph}
    fold_batch_norm.fold(ir, lambda norm: norm.name not in known)
    return Model.from_ir(ir, original.name)
