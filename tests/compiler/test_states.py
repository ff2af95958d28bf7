"""State from run to run: the C, its numpy definition and onnxruntime agree over sequences."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from state_nets import NETS, N, node, window, with_states

from studio.build.host import HostModel
from studio.compiler.check import check
from studio.compiler.emit import emit
from studio.compiler.fuse import lifetimes
from studio.compiler.lower import lower
from studio.compiler.program import Options, Program
from studio.compiler.run import Machine, run
from studio.errors import Unsupported
from studio.job import finish
from studio.model.evaluate import infer, infer_sequence

RUNS = 6


@cache
def built(name: str, plan: str) -> tuple[Program, HostModel]:
    program = lower(NETS[name](), Options(plan=plan))
    return program, finish(HostModel.build(program))


def samples() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (RUNS, N)).astype(np.float32)


def stored(program: Program, x: np.ndarray) -> list[np.ndarray]:
    slot = program.inputs[0]
    return [slot.to_physical(slot.quantize(x[None]))]


def real(program: Program, y: np.ndarray) -> np.ndarray:
    out = program.outputs[0]
    return out.to_logical(out.dequantize(y))[0]


@pytest.mark.parametrize("plan", ["layerwise", "small"])
@pytest.mark.parametrize("name", NETS)
def test_a_sequence_is_what_onnxruntime_computes(name, plan):
    program, library = built(name, plan)
    machine = Machine(program)
    library.reset()
    want = infer_sequence(NETS[name](), samples())[0]
    step = program.outputs[0].scale or 1e-5
    for x, y in zip(samples(), want, strict=True):
        (got,) = library.run(stored(program, x))
        assert got.tobytes() == machine.infer(stored(program, x))[0].tobytes()
        np.testing.assert_allclose(real(program, got), y, rtol=1e-5, atol=1.01 * step)


@pytest.mark.parametrize("name", NETS)
def test_a_reset_forgets(name):
    program, library = built(name, "layerwise")
    fresh = [run(program, stored(program, x))[0].tobytes() for x in samples()]
    for x, want in zip(samples(), fresh, strict=True):
        library.reset()
        assert library.run(stored(program, x))[0].tobytes() == want
        library.run(stored(program, x + 1))
    (judged,) = infer(NETS[name](), samples())
    step = program.outputs[0].scale or 1e-5
    for x, want in zip(samples(), judged, strict=True):
        got = run(program, stored(program, x))[0]
        np.testing.assert_allclose(real(program, got), want, rtol=1e-5, atol=1.01 * step)


@pytest.mark.parametrize("name", [name for name in NETS if name != "unchanged"])
def test_what_was_before_shows(name):
    carried, fresh = infer_sequence(NETS[name](), samples())[0], infer(NETS[name](), samples())[0]
    assert (carried[0] == fresh[0]).all()
    assert not np.allclose(carried[1], fresh[1])


@pytest.mark.parametrize(
    ("name", "copies"),
    [("running_sum", 0), ("window", 0), ("late_reader", 1), ("unchanged", 0), ("delay", 2)],
)
def test_a_state_is_written_in_place_where_its_old_value_is_done_with(name, copies):
    program = lower(NETS[name]())
    slots = {i for i, b in enumerate(program.buffers) if b.role == "state"}
    last = [call for call in program.calls if set(call.outputs) & slots]
    assert sum(call.kernel.startswith("tms_copy") for call in last) == copies


@pytest.mark.parametrize("plan", ["layerwise", "small"])
@pytest.mark.parametrize("name", NETS)
def test_nothing_lies_where_a_state_is(name, plan):
    program, _ = built(name, plan)
    total = sum(len(stage) for stage in program.stages)
    lives = lifetimes(program.buffers, program.calls, program.stages)
    places = [
        range(offset, offset + b.size_bytes)
        for b, offset in zip(program.buffers, program.offsets, strict=True)
    ]
    for i, buffer in enumerate(program.buffers):
        if buffer.role != "state":
            continue
        assert lives[i] == (1 << (total + 1)) - 1
        for j, other in enumerate(places):
            assert i == j or not set(places[i]) & set(other)


def test_the_reset_writes_zero_points_as_bytes_and_other_values_from_flash():
    program, _ = built("window", "layerwise")
    assert list(program.initial.values()) == [3]
    assert program.state_bytes == 3 * N
    source = emit(program)["net.c"].decode()
    assert "= 3;" in source
    program, _ = built("delay", "layerwise")
    names = set(program.initial.values())
    assert names <= set(program.constants)
    assert program.state_bytes == 2 * 4 * N


def test_without_state_a_reset_does_nothing():
    model = with_states([node("Tanh", "x", "y")], {})
    program = lower(model)
    assert not program.initial
    assert program.state_bytes == 0
    assert "nothing is carried" in emit(program)["net.c"].decode()


def test_a_state_that_becomes_a_constant_is_refused():
    first = np.zeros((1, N), np.float32)
    model = with_states(
        [node("Add", "x s", "y"), node("DequantizeLinear", "c k", "t")],
        {"s": ("t", first)},
        c=np.ones((1, N), np.int8),
        k=np.float32(1),
    )
    with pytest.raises(Unsupported, match="constant"):
        lower(model)
    assert [row.node for row in check(model) if row.verdict == "refused"] == ["t"]


def test_the_window_is_laid_out_without_transposes():
    assert lower(window()).transposes == 0


@pytest.mark.parametrize("turned", [False, True])
def test_only_what_really_moves_on_is_a_shift(turned):
    bounds = {"one": [1], "end": [2], "axis": [3], "shape": [1, 2, 2, 2]}
    nodes = [
        node("Reshape", "x shape", "cube"),
        node("Add", "s cube", "sum"),
        node("Slice", "sum one end axis", "kept"),
        node("Transpose", "kept", "turned", perm=(0, 2, 1, 3)),
        node("Slice", "cube one end axis", "new"),
        node("Concat", "turned new" if turned else "kept new", "t", axis=3),
        node("Neg", "t", "y"),
    ]
    constants = {name: np.array(value, np.int64) for name, value in bounds.items()}
    model = with_states(nodes, {"s": ("t", np.ones((1, 2, 2, 2)))}, **constants)
    program = lower(model)
    assert any("tms_shift" in call.kernel for call in program.calls) != turned
    machine = Machine(program)
    for x, want in zip(samples(), infer_sequence(model, samples())[0], strict=True):
        [y] = machine.infer(stored(program, x))
        np.testing.assert_allclose(real(program, y), want, rtol=1e-5)
