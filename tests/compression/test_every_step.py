"""What every compression step keeps to, and any two of them one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from nets import MLPERF, Net, noise, quantized, residual
from state_nets import running_sum

from studio.compression.step import Needs, Step, steps
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.model import Model

IDS = sorted(steps())
TESTS = Path(__file__).parents[1]
# Bits are chosen by what is measured; equal scales, as placeholders are, are stored once.
_CHOOSING_BY_DATA = {"mixed_precision", "quantize_recurrent"}
_TAKING_LESS = {"stream_time"}
_FEW = {"samples": 4, "iterations": 20, "epochs": 1, "stages": 1, "swaps": 1}


def tiny() -> Model:
    """A net with something to do for most steps: batch norm, depthwise, dense layers.

    One dense layer is of low rank, one activation is dear, a mean waits to be canonical.
    """
    net = Net()
    x = net.conv("x", (8, 2, 3, 3), relu=False, pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    factors = [net.const(net.rng.uniform(0.5, 2, 8)) for _ in range(4)]
    x = net.node("Relu", net.node("BatchNormalization", x, *factors))
    x = net.conv(x, (8, 1, 3, 3), group=8, kernel_shape=[3, 3])
    x = net.node("HardSwish", net.conv(x, (12, 8, 1, 1), relu=False, kernel_shape=[1, 1]))
    x = net.node("Flatten", net.node("ReduceMean", x, net.const([2, 3], np.int64)))
    x = net.dense(x, 12, 32)
    left, right = net.rng.normal(0, 0.3, (2, 32, 2))
    weight, bias = net.const(left @ right.T), net.const(net.rng.normal(0, 0.1, 32))
    x = net.node("Relu", net.node("Gemm", x, weight, bias, transB=1))
    return net.model((1, 2, 8, 8), net.dense(x, 32, 4, relu=False), name="tiny")


def recurrent() -> Model:
    net = Net()
    x = net.node("Transpose", "x", perm=[1, 0, 2])
    weights = [net.const(net.rng.normal(0, 0.3, (1, 12, n))) for n in (3, 4)]
    bias = net.const(net.rng.normal(0, 0.1, (1, 24)))
    x = net.node("GRU", x, *weights, bias, hidden_size=4, linear_before_reset=1)
    x = net.node("Squeeze", net.node("Slice", x, *(net.const([v], np.int64) for v in (5, 6, 0))),
                 net.const([0, 1], np.int64))  # fmt: skip
    return net.model((1, 6, 3), net.dense(x, 4, 3, relu=False), name="recurrent")


def foreign() -> Model:
    """A net that came quantised."""
    return quantized(residual())


NETS = (tiny, recurrent, foreign, running_sum)
_OWN = {"begin_afresh": running_sum, "quantize_recurrent": recurrent}  # the others do with tiny


def data_for(model: Model) -> Dataset:
    x = noise(model, 24)
    split = np.array(["train"] * 16 + ["validation"] * 4 + ["test"] * 4)
    classes = model.outputs[0].shape[-1]
    labels = tuple(str(i) for i in range(classes))
    return Dataset("noise", x, np.arange(24) % classes, labels, split)


def quick(step: Step) -> Any:
    """Parameters that take little time."""
    names = {f.name for f in dataclasses.fields(step.params)}
    return step.make(**{name: value for name, value in _FEW.items() if name in names})


def applied(step: Step, model: Model) -> Model | None:
    """The result; None where the step refuses with a reason."""
    try:
        return finish(step.start(quick(step), model, data_for(model)))
    except RecipeError as refusal:
        assert refusal.what and refusal.where and refusal.hint
        return None


def planned(step: Step, model: Model) -> Model | None:
    """The preview; None where the step refuses with a reason."""
    try:
        return step.plan(quick(step), model)
    except RecipeError as refusal:
        assert refusal.what and refusal.where and refusal.hint
        return None


@cache
def after(id: str, net: Callable[[], Model]) -> Model | None:
    """What a step makes of a net; computed once, since models never change."""
    return applied(steps()[id], net())


def operators_of(model: Model) -> list[str]:
    return [node.op_type for node in model.ir.graph]


@pytest.mark.parametrize("id", IDS)
def test_a_step_keeps_its_promises(id: str) -> None:
    step, model = steps()[id], _OWN.get(id, tiny)()
    before = Model.from_ir(model.clone_ir()).digest
    first, second = applied(step, model), applied(step, model)
    assert Model.from_ir(model.clone_ir()).digest == before
    assert first is not None and second is not None
    assert second.to_bytes() == first.to_bytes()
    assert first.history[-1]["step"] == id
    assert first.history[-1]["params"] == dataclasses.asdict(quick(step))
    assert first.history[-1]["layers"]
    onnx.checker.check_model(onnx.ModelProto.FromString(first.to_bytes()), full_check=True)
    assert first.inputs == model.inputs or id in _TAKING_LESS
    seen = step.preview(quick(step), model)
    assert operators_of(seen) == operators_of(first)
    if id not in _CHOOSING_BY_DATA:
        assert {k: (v.dtype, v.shape) for k, v in seen.ir.graph.initializers.items()} == {
            k: (v.dtype, v.shape) for k, v in first.ir.graph.initializers.items()
        }


def digests() -> dict[str, str]:
    """What each step makes of its net, for comparison with another process."""
    made = {id: after(id, _OWN.get(id, tiny)) for id in IDS}
    return {id: model.digest for id, model in made.items() if model is not None}


def test_another_process_makes_the_same_bytes() -> None:
    """Sets and dictionaries have another order there."""
    code = (
        "import json; from compression.test_every_step import digests; print(json.dumps(digests()))"
    )
    path = os.pathsep.join(str(folder) for folder in (TESTS, TESTS.parent))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "1234"}
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(other.stdout.splitlines()[-1]) == digests() and len(digests()) == len(IDS)


@pytest.mark.parametrize("id", IDS)
def test_a_step_describes_its_parameters(id: str) -> None:
    step = steps()[id]
    assert step.params.__doc__ and step.title and step.group
    assert dataclasses.is_dataclass(step.params) and step.params.__dataclass_params__.frozen  # type: ignore[attr-defined]
    for field in dataclasses.fields(step.params):
        assert field.metadata["label"]
        if type(field.default) in (int, float):
            assert field.metadata["lo"] <= field.default <= field.metadata["hi"]


def extremes(step: Step) -> Iterator[Any]:
    """The defaults, and the defaults with one parameter at an end of its range."""
    yield step.make()
    for field in dataclasses.fields(step.params):
        ends = field.metadata["choices"] or (field.metadata["lo"], field.metadata["hi"])
        for value in (False, True) if isinstance(field.default, bool) else ends:
            yield step.make(**{field.name: type(field.default)(value)})


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("net", MLPERF.values(), ids=MLPERF)
def test_a_preview_takes_less_than_fifteen_milliseconds(id: str, net: Callable[[], Model]) -> None:
    step, model = steps()[id], net()
    gc.collect()
    gc.freeze()  # what thousands of tests left behind is not looked through while the clock runs
    slow = {params: s for params in extremes(step) if (s := least_s(step, params, model)) >= 0.015}
    gc.unfreeze()
    assert not slow


def least_s(step: Step, params: Any, model: Model) -> float:
    """Processor time of a preview: the least of up to 40, since other work disturbs caches."""
    least = math.inf
    for _ in range(40):
        start = time.process_time()
        with contextlib.suppress(RecipeError):
            step.preview(params, model)
        least = min(least, time.process_time() - start)
        if least < 0.015:
            break
    return least


@pytest.mark.parametrize("id", IDS)
def test_a_step_that_needs_data_says_so(id: str) -> None:
    step, model = steps()[id], _OWN.get(id, tiny)()
    if step.needs is Needs.NOTHING:
        assert finish(step.start(quick(step), model, None)).history[-1]["step"] == id
        return
    with pytest.raises(RecipeError):
        finish(step.start(quick(step), model, None))


@pytest.mark.parametrize("id", IDS)
def test_a_step_that_is_cancelled_leaves_its_source_as_it_was(id: str) -> None:
    net, rng = _OWN.get(id, tiny), np.random.default_rng(0)
    step, model = steps()[id], net()
    before, whole = Model.from_ir(model.clone_ir()).digest, after(id, net)
    for moment in rng.integers(1, 40, 3):
        job = step.start(quick(step), model, data_for(model))
        for _ in zip(range(moment), job, strict=False):
            pass
        job.close()
        assert Model.from_ir(model.clone_ir()).digest == before
    again = applied(step, model)
    assert again is not None and whole is not None and again.digest == whole.digest


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(("first", "second"), list(itertools.product(IDS, IDS)))
def test_any_two_steps_run_or_refuse_with_a_reason(
    first: str, second: str, net: Callable[[], Model]
) -> None:
    model, middle = net(), after(first, net)
    if middle is None:
        return
    result, seen = applied(steps()[second], middle), planned(steps()[second], middle)
    assert (result is None) == (seen is None)
    if result is None or seen is None:
        return
    assert operators_of(seen) == operators_of(result)
    onnx.checker.check_model(onnx.ModelProto.FromString(result.to_bytes()), full_check=True)
    fed = model if result.states else result  # with state it takes a window in hops
    answers = infer(result, data_for(fed).x[:2])[0]
    assert answers.shape[1:] == model.outputs[0].shape[1:] and np.isfinite(answers).all()
    assert [entry["step"] for entry in result.history[len(model.history) :]] == [first, second]
