"""Cancelled at any moment: nothing half done is left, and a resumed run ends the same."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from compression import small

from studio.compression.cluster_weights import ClusterWeights
from studio.compression.distil import Distil
from studio.compression.fine_tune import FineTune
from studio.compression.low_rank import LowRank
from studio.compression.prune_channels import PruneChannels
from studio.compression.prune_weights import PruneWeights
from studio.compression.qat import Qat
from studio.compression.step import steps
from studio.compression.swap_activations import SwapActivations
from studio.job import Job, finish
from studio.model.model import Model

PARAMS: tuple[Any, ...] = (
    FineTune(epochs=2),
    PruneChannels(ratio=0.5, iterations=2, epochs=2, teacher=0.5),
    PruneWeights(stages=2, epochs=1),
    Qat(epochs=2, samples=16),
    ClusterWeights(epochs=2),
    Distil(epochs=2),
    LowRank(energy=0.5, epochs=2),
    SwapActivations(epochs=2),
)


def id_of(params: Any) -> str:
    return type(params).__module__.rpartition(".")[2]


@cache
def source(params: Any) -> Model:
    """The small net; with dear activations where a step swaps them."""
    if not isinstance(params, SwapActivations):
        return small.trained()
    ir = small.trained().clone_ir()
    for node in ir.graph:
        node.op_type = {"Relu": "HardSwish"}.get(node.op_type, node.op_type)
    return Model.from_ir(ir)


def started(params: Any, folder: Path | None = None) -> Job[Model]:
    return steps()[id_of(params)].start(params, source(params), small.data(), folder)


@cache
def undisturbed(params: Any) -> tuple[bytes, int]:
    """What comes out, and after how many reports."""
    reports: list[object] = []
    return finish(started(params), reports.append).to_bytes(), len(reports)


def test_every_step_that_trains_is_cancelled_here() -> None:
    assert {id_of(params) for params in PARAMS} == {id for id, s in steps().items() if s.trains}


@pytest.mark.parametrize("moment", range(20))
def test_a_cancelled_step_leaves_nothing_half_done(moment: int, tmp_path: Path) -> None:
    params = PARAMS[moment % len(PARAMS)]
    before = small.fingerprint(source(params))
    whole, reports = undisturbed(params)
    job = started(params, tmp_path / "kept")
    for _ in range(random.Random(moment).randint(1, reports - 1)):
        next(job)
    job.close()
    assert small.fingerprint(source(params)) == before
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in left} <= {".pt"}
    assert finish(started(params, tmp_path / "kept")).to_bytes() == whole
