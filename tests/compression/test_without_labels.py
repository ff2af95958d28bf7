"""Without labels the model before the step is the teacher; only plain fine-tuning needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from compression import small

from studio.compression.cluster_weights import ClusterWeights
from studio.compression.distil import Distil
from studio.compression.prune_channels import PruneChannels
from studio.compression.prune_weights import PruneWeights
from studio.compression.qat import Qat
from studio.compression.step import steps
from studio.job import finish
from studio.model.evaluate import evaluate

PARAMS: tuple[Any, ...] = (
    PruneChannels(ratio=0.5, iterations=1, epochs=6),
    PruneWeights(sparsity=0.5, stages=1, epochs=6),
    Qat(weights="int4", epochs=2, samples=64),
    ClusterWeights(clusters=4, epochs=3),
    Distil(epochs=8),
)


@pytest.mark.parametrize("params", PARAMS, ids=lambda p: type(p).__name__)
def test_a_net_recovers_by_what_it_knew(params: Any) -> None:
    data = small.data()
    split = data.split.astype("U10")
    split[::8] = "validation"  # which has no labels either
    unlabelled = replace(data, y=None, split=split)
    step = steps()[type(params).__module__.rpartition(".")[2]]
    result = finish(step.start(params, small.trained(), unlabelled))
    assert evaluate(result, data).accuracy > 0.9
