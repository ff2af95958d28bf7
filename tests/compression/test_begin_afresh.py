"""Forgetting state: the same function of a fresh run, and a net that other steps take."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import DATA
from nets import ds_cnn
from state_nets import NETS, N

from studio.compiler.lower import lower
from studio.compression.begin_afresh import STEP, BeginAfresh
from studio.compression.step import steps
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.importers import open_model


@pytest.mark.parametrize("name", NETS)
def test_every_run_is_what_a_fresh_run_was(name: str) -> None:
    model = NETS[name]()
    x = np.random.default_rng(0).normal(0, 1, (5, N)).astype(np.float32)
    made = finish(STEP.start(BeginAfresh(), model, None))
    assert not made.states
    assert made.inputs == model.inputs and made.outputs == model.outputs
    for got, want in zip(infer(made, x), infer(model, x), strict=True):
        np.testing.assert_array_equal(got, want)
    if name != "delay":  # whose answer does not depend on its input then
        assert not lower(made).initial


def test_a_net_without_state_is_refused() -> None:
    with pytest.raises(RecipeError, match="carries no state"):
        STEP.plan(BeginAfresh(), ds_cnn())


@pytest.mark.needs_data
def test_an_lstm_of_tflite_can_be_quantised_behind_it() -> None:
    model = finish(open_model(DATA / "models" / "tflm-examples" / "trained_lstm.tflite"))
    x = np.random.default_rng(0).uniform(0, 1, (16, *model.inputs[0].shape[1:]))
    data = Dataset("noise", x.astype(np.float32), None, (), np.full(16, "train"))
    quantize = steps()["quantize_recurrent"]
    with pytest.raises(RecipeError, match="Begin each run afresh"):
        quantize.plan(quantize.make(), model)
    fresh = finish(STEP.start(BeginAfresh(), model, None))
    made = finish(quantize.start(quantize.make(samples=16), fresh, data))
    assert any("scan" in call.kernel for call in lower(made).calls)
    close = np.abs(infer(made, data.x)[0] - infer(model, data.x)[0]).max()
    assert close < 0.05
