"""Walking a graph from layer to layer: the numbers of the whole net, in linear time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import pytest
from nets import Net, joined, residual, resnet8

from studio.model import walk as walking
from studio.model.evaluate import observable, observe
from studio.model.model import Model
from studio.model.walk import Walk


def samples(model: Model, n: int = 5) -> npt.NDArray[np.float32]:
    shape = (n, *model.inputs[0].shape[1:])
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def shift(node: onnx_ir.Node) -> None:
    """Another constant in a graph that is being walked."""
    bias = node.inputs[2]
    assert bias is not None and bias.const_value is not None
    bias.const_value = onnx_ir.Tensor(bias.const_value.numpy() + np.float32(0.25), name=bias.name)


@pytest.mark.parametrize("make", [residual, joined, resnet8])
@pytest.mark.parametrize("room", [0, 100_000, 2**28])
def test_values_are_those_of_the_whole_net(make, room, monkeypatch) -> None:
    monkeypatch.setattr(walking, "CARRIED_BYTES", room)
    model = make()
    x = samples(model)
    walk = Walk(model.clone_ir(), x)
    for name in observable(model):
        whole = [arrays[0] for arrays in observe(model, (name,), x)]
        np.testing.assert_array_equal(list(walk.look(name)), whole)


@pytest.mark.parametrize("room", [0, 100_000, 2**28])
def test_constants_may_change_ahead_of_the_walk(room, monkeypatch) -> None:
    monkeypatch.setattr(walking, "CARRIED_BYTES", room)
    ir, x = resnet8().clone_ir(), samples(resnet8())
    walk = Walk(ir, x)
    for node in [node for node in ir.graph if node.op_type in ("Conv", "Gemm")]:
        name = node.outputs[0].name or ""
        first = list(walk.look(name))
        shift(node)
        again = list(walk.look(name))
        np.testing.assert_array_equal(
            again, [arrays[0] for arrays in observe(Model.from_ir(ir), (name,), x)]
        )
        assert not np.array_equal(first, again)


def test_who_looks_back_starts_from_the_input() -> None:
    model = residual()
    x = samples(model)
    walk, names = Walk(model.clone_ir(), x), observable(model)
    last = list(walk.look(names[-1]))
    first = list(walk.look(names[0]))
    np.testing.assert_array_equal(first, [a for (a,) in observe(model, (names[0],), x)])
    np.testing.assert_array_equal(last, list(walk.look(names[-1])))


def deep(layers: int) -> Model:
    net, x = Net(), "x"
    for _ in range(layers):
        x = net.dense(x, 4, 4)
    return net.model((1, 4), x)


def test_looking_at_every_layer_takes_linear_time(monkeypatch) -> None:
    def nodes_opened(layers: int) -> int:
        """Nodes in all sessions of a walk through a net."""
        counts: list[int] = []

        def counted(data: bytes, where: str) -> walking.Session:
            counts.append(len(onnx.ModelProto.FromString(data).graph.node))
            return opened(data, where)

        monkeypatch.setattr(walking, "opened", counted)
        model = deep(layers)
        walk = Walk(model.clone_ir(), samples(model))
        for name in observable(model):
            list(walk.look(name))
        return sum(counts)

    opened = walking.opened
    assert nodes_opened(40) <= 4 * 40  # each twice, and twice what lies between layers
    assert nodes_opened(80) <= 4 * 80
