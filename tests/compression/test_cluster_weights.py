"""Few values a layer, kept through training; the code comes back exactly."""

from __future__ import annotations

import numpy as np
import pytest
from compression import small
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import MLPERF, Net, quantized

from studio.compression.cluster_weights import ClusterWeights, clustered, preview, run
from studio.compression.huffman import decode, encode
from studio.errors import RecipeError
from studio.job import finish
from studio.model.evaluate import evaluate
from studio.model.model import Model

SHORT = ClusterWeights(clusters=8, epochs=3)


def kinds_of(model: Model) -> list[int]:
    """How many different weights each layer has."""
    layers = [n for n in model.ir.graph if n.op_type in ("Conv", "Gemm")]
    return [len(np.unique(n.inputs[1].const_value.numpy())) for n in layers]


def test_eight_values_are_left_and_the_net_is_right() -> None:
    model = small.trained()
    before = small.fingerprint(model)
    result = finish(run(SHORT, model, small.data()))
    assert small.fingerprint(model) == before
    assert max(kinds_of(result)) <= 8 < min(kinds_of(model))
    assert evaluate(result, small.data()).accuracy > 0.95
    assert all("0 bytes saved" in said for said in result.history[-1]["layers"].values())
    trained = finish(run(ClusterWeights(clusters=8, epochs=0), model, small.data()))
    assert small.fingerprint(result) != small.fingerprint(trained)


def test_the_values_are_those_of_least_squares_on_plain_data() -> None:
    weight = np.concatenate([np.full(5, v) + np.linspace(-0.01, 0.01, 5) for v in (-2, 0, 1, 5)])
    values, found = clustered(weight.reshape(4, 5), 4)
    assert values == pytest.approx([-2, 0, 1, 5])
    assert found.tolist() == [[k] * 5 for k in range(4)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=300))
def test_the_code_comes_back_exactly(numbers: list[int]) -> None:
    coded = encode(np.array(numbers, np.int64))
    assert decode(coded).tolist() == numbers


def test_the_code_is_shorter_where_some_values_are_common() -> None:
    rng = np.random.default_rng(0)
    even, uneven = rng.integers(0, 16, 4000), rng.geometric(0.5, 4000) % 16
    assert len(encode(even).data) == pytest.approx(2000, rel=0.05)
    assert len(encode(uneven).data) == pytest.approx(1000, rel=0.05)  # 2 bits each
    result = finish(run(ClusterWeights(huffman=True, epochs=0), small.trained(), small.data()))
    assert "bytes with a table" in next(iter(result.history[-1]["layers"].values()))


def test_what_cannot_be_clustered_is_refused_with_a_reason() -> None:
    with pytest.raises(RecipeError, match="is quantised"):
        preview(SHORT, quantized(MLPERF["kws"]()))
    net = Net()
    with pytest.raises(RecipeError, match="no layer has more than 8 weights"):
        preview(SHORT, net.model((1, 2), net.dense("x", 2, 4, relu=False)))
