"""Channels that go together: what is removed is removed everywhere, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from compression import small
from nets import MLPERF, OPERATORS, Net, noise

from studio.compression import channels
from studio.compression.constants import real, set_constant
from studio.model.evaluate import infer
from studio.model.model import Model

NETS = {**OPERATORS, **MLPERF, "small": small.untrained}
PRUNABLE = set(NETS) - {"conv_block", "residual", "pools", "normalised", "scaled_gemm", "joined"}


def silenced(model: Model, kept: np.ndarray) -> Model:
    """The model with the weights of all other channels set to zero, where they stand."""
    ir = model.clone_ir()
    found = channels.analyse(ir.graph)
    for part in found.slices:
        array = real(part.node.inputs[part.index])
        shape = [1] * array.ndim
        shape[part.axis] = -1
        array = array * kept[found.roots(part.ids)].reshape(shape)
        set_constant(ir.graph, part.node, part.index, f"silent{part.index}", array)
    return Model.from_ir(ir, model.name)


@pytest.mark.parametrize("name", NETS)
def test_removing_channels_is_the_same_as_silencing_them(name: str) -> None:
    model = NETS[name]()
    before = small.fingerprint(model)
    found = channels.analyse(model.ir.graph)
    groups = found.groups()
    assert bool(groups) == (name in PRUNABLE)
    rng = np.random.default_rng(3)
    counts = channels.counts_at(groups, 0.5, 1)
    kept = channels.kept_of(found, groups, counts, rng.random(len(found.parent)))
    ir = model.clone_ir()
    channels.remove(ir.graph, channels.analyse(ir.graph), kept)
    pruned = Model.from_bytes(Model.from_ir(ir).to_bytes(), "pruned")
    assert small.fingerprint(model) == before
    assert (pruned.parameters < model.parameters) == bool(groups)
    x = noise(model, 2)
    for a, b in zip(infer(silenced(model, kept), x), infer(pruned, x), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4 * max(1, np.abs(a).max()))
    left = sum(channels.parameters(found, kept).values())
    every = sum(channels.parameters(found, np.ones_like(kept)).values())
    assert model.parameters - pruned.parameters == every - left


def test_the_groups_are_those_of_the_wiring() -> None:
    """In ResNet8 the additions join the layers that lead to them; inner layers are on their own."""
    found = channels.analyse(MLPERF["ic"]().ir.graph)
    assert sorted(map(len, found.groups())) == [16, 16, 32, 32, 64, 64]


def test_two_operands_of_an_addition_share_their_channels() -> None:
    net = Net()
    one = net.conv("x", (6, 2, 1, 1), kernel_shape=[1, 1])
    two = net.conv("x", (6, 2, 1, 1), kernel_shape=[1, 1])
    both = net.node("Concat", net.node("Add", one, two), one, axis=1)
    out = net.conv(both, (3, 12, 1, 1), kernel_shape=[1, 1])
    found = channels.analyse(net.model((1, 2, 4, 4), out).ir.graph)
    (group,) = found.groups()
    assert len(group) == 6


def test_what_an_unknown_operator_reads_is_locked() -> None:
    net = Net()
    x = net.conv("x", (6, 2, 1, 1), kernel_shape=[1, 1])
    x = net.node("Softmax", x, axis=1)
    found = channels.analyse(net.model((1, 2, 4, 4), net.conv(x, (3, 6, 1, 1))).ir.graph)
    assert not found.groups()
