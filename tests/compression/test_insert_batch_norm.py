"""Batch norms that are put back change nothing by themselves, and fold away again."""

from __future__ import annotations

import numpy as np
import pytest
from compression import small
from nets import autoencoder, ds_cnn, mobilenet, noise, quantized, resnet8

from studio.compression.fold_batch_norm import FoldBatchNorm
from studio.compression.fold_batch_norm import preview as folded
from studio.compression.insert_batch_norm import InsertBatchNorm, preview, run
from studio.data.dataset import Dataset
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import infer
from studio.model.model import Model


def with_norms(model: Model) -> Model:
    x = noise(model, 16)
    return finish(run(InsertBatchNorm(), model, Dataset("x", x, None, (), np.full(16, "train"))))


@pytest.mark.parametrize("net", [autoencoder, ds_cnn, mobilenet, resnet8, small.untrained])
def test_the_function_stays_the_same_and_folding_undoes_it(net: object) -> None:
    model: Model = net()  # type: ignore[operator]
    before = small.fingerprint(model)
    result = with_norms(model)
    assert small.fingerprint(model) == before
    x = noise(model, 4)
    again = folded(FoldBatchNorm(), result)
    for other in (result, again):
        assert np.abs(infer(other, x)[0] - infer(model, x)[0]).max() < 1e-4
    kinds = [[node.op_type for node in m.ir.graph] for m in (model, result, again)]
    assert kinds[0] == kinds[2] and kinds[1].count("BatchNormalization") >= 5
    assert result.history[-1]["layers"].keys() <= {node.name for node in model.ir.graph}


def test_the_statistics_are_those_of_the_samples() -> None:
    model = small.trained()
    result = finish(run(InsertBatchNorm(samples=100), model, small.data()))
    norm = next(n for n in result.ir.graph if n.op_type == "BatchNormalization")
    name = next(n for n in model.ir.graph if n.op_type == "Conv").outputs[0].name
    from studio.model.evaluate import observe

    rows = [r[0] for r in observe(model, (name,), small.data().calibration(100))]
    seen = np.concatenate(rows)
    mean, variance = (value.const_value.numpy() for value in norm.inputs[3:5])
    np.testing.assert_allclose(mean, seen.mean((0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(variance, seen.var((0, 2, 3)), rtol=1e-3, atol=1e-5)


def test_a_preview_has_the_structure_of_the_result() -> None:
    model = resnet8()
    seen, made = preview(InsertBatchNorm(), model), with_norms(model)
    assert [n.name for n in seen.ir.graph] == [n.name for n in made.ir.graph]


def test_where_there_is_nothing_to_normalise_it_says_so() -> None:
    with pytest.raises(RecipeError, match="no layer is without"):
        preview(InsertBatchNorm(), with_norms(resnet8()))
    with pytest.raises(RecipeError, match="is quantised"):
        preview(InsertBatchNorm(), quantized(ds_cnn()))
    with pytest.raises(RecipeError, match="needs samples"):
        finish(run(InsertBatchNorm(), resnet8(), None))
