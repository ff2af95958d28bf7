"""In which order calls run."""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import Net

from studio.compiler import order
from studio.compiler.lower import lower
from studio.compiler.order import ordered
from studio.compiler.program import Buffer, KernelCall, Options
from studio.compiler.run import run
from studio.model.model import Model


def graph(
    sizes: list[int], edges: list[tuple[tuple[int, ...], int]]
) -> tuple[list[Buffer], list[KernelCall]]:
    """Buffer 0 is the input, the last one the output; a call for each ((sources), target)."""
    last = len(sizes) - 1
    roles = {0: "input", last: "output"}
    buffers = [
        Buffer(f"b{i}", (n,), "int8", roles.get(i, "activation")) for i, n in enumerate(sizes)
    ]
    calls = [KernelCall(f"b{out}", "tms_add_s8", ins, (out,), {}) for ins, out in edges]
    return buffers, calls


def worst_moment(
    buffers: list[Buffer], calls: list[KernelCall], run: tuple[int, ...]
) -> int | None:
    """Bytes at an order's worst moment, told call by call; None where it is no order."""
    there, most = {0}, 0
    for at, k in enumerate(run):
        if not set(calls[k].inputs) <= there:
            return None
        there |= set(calls[k].outputs)
        most = max(most, sum(-(-buffers[b].size_bytes // 4) * 4 for b in there))
        needed = {b for later in run[at + 1 :] for b in calls[later].inputs}
        there = {b for b in there if b in needed or buffers[b].role == "output"}
    return most


def test_a_branch_is_finished_before_the_next_begins():
    """In -> two large tensors -> two small ones -> out, given breadth first."""
    sizes = [100, 1000, 1000, 1000, 12, 12, 12, 4]
    edges = [((0,), 1), ((0,), 2), ((0,), 3), ((1,), 4), ((2,), 5), ((3,), 6), ((4, 5, 6), 7)]
    buffers, calls = graph(sizes, edges)
    assert worst_moment(buffers, calls, tuple(range(7))) == 100 + 3 * 1000
    found = ordered(buffers, calls)
    assert worst_moment(buffers, calls, found) == 100 + 1000 + 12 + 12


def branches() -> Model:
    """Three wide branches, each narrow at its end; all wide ones stand first in the graph."""
    net = Net()
    wide = [net.conv("x", (24, 2, 1, 1), kernel_shape=[1, 1]) for _ in range(3)]
    narrow = [net.conv(x, (1, 24, 1, 1), kernel_shape=[1, 1]) for x in wide]
    x = net.node("Concat", *narrow, axis=1)
    return net.model((1, 2, 12, 10), net.conv(x, (2, 3, 1, 1), kernel_shape=[1, 1]))


@pytest.mark.parametrize("plan", ["layerwise", "small"])
def test_order_lowers_the_arena_and_leaves_the_result_as_it_was(plan, monkeypatch):
    model = branches()
    better = lower(model, Options(plan=plan))
    monkeypatch.setattr("studio.compiler.plans.orders", lambda *_: iter(()))
    as_given = lower(model, Options(plan=plan))
    x = np.random.default_rng(0).standard_normal(better.inputs[0].shape, np.float32)
    assert run(better, [x])[0].tobytes() == run(as_given, [x])[0].tobytes()
    assert better.arena_bytes <= as_given.arena_bytes
    if plan == "layerwise":
        place, pixels = 4, 120
        assert as_given.arena_bytes > 3 * 24 * pixels * place
        assert better.arena_bytes < 2 * 24 * pixels * place


def random_dag(seed: int, nodes: int) -> tuple[list[Buffer], list[KernelCall]]:
    dice = random.Random(seed)
    edges = []
    for out in range(1, nodes + 1):
        sources = {dice.randrange(max(0, out - 4), out) for _ in range(dice.choice((1, 1, 2)))}
        edges.append((tuple(sorted(sources)), out))
    read = {b for sources, _ in edges[:-1] for b in sources}
    loose = tuple(b for b in range(nodes) if b not in read)
    edges[-1] = (tuple(sorted({*edges[-1][0], *loose})), nodes)
    return graph([dice.randint(1, 4000) for _ in range(nodes + 1)], edges)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 30), st.integers(2, 7))
def test_no_order_of_a_small_graph_takes_less(seed, nodes):
    buffers, calls = random_dag(seed, nodes)
    every = (worst_moment(buffers, calls, run) for run in permutations(range(nodes)))
    least = min(most for most in every if most is not None)
    assert worst_moment(buffers, calls, ordered(buffers, calls)) == least


@pytest.mark.parametrize("seed", range(8))
def test_beam_search_takes_no_more_than_the_given_order_and_is_the_same_each_time(
    seed, monkeypatch
):
    monkeypatch.setattr(order, "SETS", 0)
    buffers, calls = random_dag(seed, 40)
    found = ordered(buffers, calls)
    given_order = worst_moment(buffers, calls, tuple(range(40)))
    assert worst_moment(buffers, calls, found) <= given_order
    assert found == ordered(buffers, calls)


def test_a_state_is_read_before_it_is_overwritten():
    """The reader of the old value takes much, so an order that forgot would run it last."""
    buffers = [
        Buffer("x", (4,), "int8", "input"), Buffer("s", (4,), "int8", "state"),
        Buffer("old", (4000,), "int8"), Buffer("wide", (4000,), "int8"),
        Buffer("narrow", (4,), "int8"), Buffer("y", (4,), "int8", "output"),
    ]  # fmt: skip
    edges = [((1,), (2,)), ((0,), (3,)), ((3,), (4,)), ((4,), (1,)), ((2, 4), (5,))]
    calls = [KernelCall("", "tms_add_s8", ins, outs, {}) for ins, outs in edges]
    found = ordered(buffers, calls)
    assert found.index(0) < found.index(3)
