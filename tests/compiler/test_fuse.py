"""Plan `small`: the same bytes out of a far smaller arena."""

from __future__ import annotations

import numpy as np
import pytest
from nets import MLPERF, OPERATORS, Net

from studio.build.host import HostModel
from studio.compiler import intervals
from studio.compiler.intervals import Intervals
from studio.compiler.lower import lower
from studio.compiler.program import PLANS, Options, Program
from studio.compiler.rows import course
from studio.compiler.run import run
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.compression.step import steps
from studio.job import finish
from studio.model.model import Model

SMALL = Options(plan="small")
# Bytes of the arena with inputs, outputs and scratch; no layer-by-layer plan comes near.
ARENA_BYTES = {
    "small": {"ad": 768, "kws": 5_632, "ic": 16_384, "vww": 31_744},
    "fast": {"ad": 768, "kws": 12_288, "ic": 49_152, "vww": 38_912},
}


def int8(model: Model) -> Model:
    return preview(QuantizeInt8(), model)


def stored(program: Program, seed: int) -> np.ndarray:
    buffer, rng = program.inputs[0], np.random.default_rng(seed)
    if buffer.dtype == "float32":
        return rng.standard_normal(buffer.shape, np.float32)
    return rng.integers(-128, 128, buffer.shape).astype(np.int8)


@pytest.mark.parametrize("plan", ARENA_BYTES)
@pytest.mark.parametrize("net", MLPERF)
def test_mlperf_tiny_nets_in_a_small_arena_compute_the_same_bytes(net, plan):
    model = int8(MLPERF[net]())
    layerwise, small = lower(model), lower(model, Options(plan=plan))
    assert small.arena_bytes <= ARENA_BYTES[plan][net]
    one, other = (finish(HostModel.build(program)) for program in (layerwise, small))
    for seed in range(5):
        x = stored(layerwise, seed)
        assert one.run([x])[0].tobytes() == other.run([x])[0].tobytes()


@pytest.mark.parametrize("kind", ["float", "int8"])
@pytest.mark.parametrize("name", OPERATORS)
def test_every_plan_computes_the_same_bytes_by_definition(name, kind):
    model = OPERATORS[name]() if kind == "float" else int8(OPERATORS[name]())
    layerwise = lower(model)
    x = stored(layerwise, 1)
    want = run(layerwise, [x])[0].tobytes()
    for plan in PLANS[1:]:
        program = lower(model, Options(plan=plan))
        assert program.arena_bytes <= layerwise.arena_bytes
        assert run(program, [x])[0].tobytes() == want


def test_fast_runs_each_call_as_a_whole_and_balanced_few_rows():
    """Tiny rows: to run them one by one would cost more than a twentieth of the net."""
    net, x = Net(), "x"
    for shape in ((8, 2, 3, 1), (8, 8, 3, 1), (2, 8, 3, 1)):
        x = net.conv(x, shape, kernel_shape=[3, 1], pads=[1, 0, 1, 0])
    model = int8(net.model((1, 2, 200, 1), net.node("GlobalAveragePool", x)))
    layerwise, small, balanced, fast = (lower(model, Options(plan=plan)) for plan in PLANS)
    assert [len(stage) for stage in fast.stages] == [1] * len(fast.calls)
    assert fast.arena_bytes < layerwise.arena_bytes
    assert max(map(len, balanced.stages)) == 1 < max(map(len, small.stages))
    assert small.arena_bytes < balanced.arena_bytes <= fast.arena_bytes


def random_net(seed: int) -> Model:
    """Convolutions, depthwise ones, pools, skips and concatenations of random geometry."""
    rng = np.random.default_rng(seed)
    net, channels = Net(rng), int(rng.integers(1, 5))
    shape = (1, channels, int(rng.integers(9, 20)), int(rng.integers(3, 9)))
    x = "x"
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    for _ in range(int(rng.integers(3, 9))):
        kind = rng.integers(0, 6)
        wide = int(rng.integers(1, 9))
        if kind == 0:
            x = net.conv(x, (wide, channels, 3, 3), **same)
            channels = wide
        elif kind == 1:
            x = net.conv(x, (channels, 1, 3, 3), group=channels, **same)
        elif kind == 2:
            stride = [int(rng.integers(1, 3)), 1]
            x = net.conv(x, (wide, channels, 3, 3), strides=stride, **same)
            channels = wide
        elif kind == 3:
            x = net.node("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
        elif kind == 4:
            x = net.node("Add", x, net.conv(x, (channels, channels, 3, 3), **same))
        else:
            y = net.conv(x, (wide, channels, 1, 1), kernel_shape=[1, 1])
            x, channels = net.node("Concat", x, y, axis=1), channels + wide
    return net.model(shape, net.node("GlobalAveragePool", x))


@pytest.mark.parametrize("seed", range(40))
def test_random_nets_in_a_small_arena_compute_the_same_bytes(seed):
    model = random_net(seed)
    model = model if seed % 4 == 0 else int8(model)
    layerwise, small = lower(model), lower(model, SMALL)
    x = stored(layerwise, seed)
    assert run(layerwise, [x])[0].tobytes() == run(small, [x])[0].tobytes()


def test_a_small_plan_is_the_same_every_time():
    model = int8(MLPERF["ic"]())
    one, other = lower(model, SMALL), lower(model, SMALL)
    assert (one.offsets, one.stages) == (other.offsets, other.stages)


@pytest.mark.parametrize("seed", range(12))
def test_a_stage_flows_as_it_does_within_a_longer_one(seed):
    """The courses of all [i, j) are read off the longest one that ends at j."""
    program = lower(int8(random_net(seed)))
    calls = program.calls
    found = Intervals(program.buffers, calls, longest=24)
    for j in range(2, len(calls) + 1):
        for i in found.begins(j):
            flows = {k: found.flow_of(k) for k in range(i, j)}
            inner = frozenset(found.rings(i, j))
            assert found.course(i, j) == course(range(i, j), calls, flows, inner)


def test_what_is_remembered_from_net_to_net_changes_nothing():
    model = MLPERF["ic"]()
    prune = steps()["prune_channels"]
    nets = [int8(prune.preview(prune.make(ratio=ratio), model)) for ratio in (0.25, 0.5)]
    warm = [lower(net, SMALL) for net in nets][1]
    intervals._ROWINGS.clear()
    cold = lower(nets[1], SMALL)
    assert (warm.offsets, warm.stages) == (cold.offsets, cold.stages)
