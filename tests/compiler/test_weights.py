"""Weights of 4 bits: packed where the whole net is smaller for it, else a byte each."""

from __future__ import annotations

import numpy as np
import pytest
from nets import MLPERF, Net

from studio.budget import budget
from studio.build.host import HostModel
from studio.compiler import weights
from studio.compiler.check import check
from studio.compiler.lower import lower
from studio.compiler.program import Program
from studio.compiler.run import run
from studio.compression.quantize_int4 import QuantizeInt4, preview
from studio.job import finish
from studio.model.model import Model
from studio.recipe.examples import open_example
from studio.targets.library import profile

BOARD = profile("virtual/mps2-an386")
KINDS = ("conv2d_s8", "depthwise2d_s8", "dense_s8")


def small() -> Model:
    """A dense layer in int8 and one in int4, of 64 bytes."""
    net = Net()
    return net.model((1, 16), net.dense(net.dense("x", 16, 16), 16, 8))


def mixed(model: Model) -> Model:
    return preview(QuantizeInt4(keep_first=True), model)


def forced(model: Model, monkeypatch: pytest.MonkeyPatch, packed: bool) -> Program:
    """The Program with all weights of 4 bits packed, or none."""
    with monkeypatch.context() as patch:
        if packed:
            patch.setattr(weights, "_flash_bytes", lambda chosen: sum(f.size_bytes for f in chosen))
        else:
            patch.setattr(weights, "_smallest", lambda forms: {i: f[0] for i, f in forms.items()})
        return lower(model)


def packed_layers(program: Program) -> int:
    return sum("_w4" in call.kernel for call in program.calls)


def same_answers(*programs: Program) -> bool:
    first = programs[0].inputs[0]
    x = np.random.default_rng(1).integers(-128, 128, first.shape).astype(np.int8)
    wanted = run(programs[0], [x])[0]
    host = [finish(HostModel.build(program)).run([x])[0] for program in programs]
    return all(np.array_equal(y, wanted) for y in (*host, *(run(p, [x])[0] for p in programs)))


def test_a_small_net_keeps_its_bytes_and_says_so(monkeypatch):
    model = mixed(small())
    program = lower(model)
    assert {call.kernel for call in program.calls} == {"tms_dense_s8"}
    [note] = program.notes
    assert "4-bit weights stored as int8, 0 bytes saved" in note
    assert [row.verdict for row in check(model) if "0 bytes saved" in row.reason] == ["rewritten"]
    narrow = forced(model, monkeypatch, packed=True)
    assert packed_layers(narrow) == 1
    assert narrow.weight_bytes == program.weight_bytes - 64
    assert same_answers(program, narrow)


@pytest.mark.parametrize("name", ["ad", "kws"])
def test_a_large_net_takes_half_the_weights(name, monkeypatch):
    model = preview(QuantizeInt4(), MLPERF[name]())
    program, wide = lower(model), forced(model, monkeypatch, packed=False)
    assert not program.notes
    assert packed_layers(program) == sum("_s8" in c.kernel and "weights" in c.params
                                         for c in program.calls)  # fmt: skip
    taken = [
        sum(p.constants[c.params["weights"]].size_bytes for c in p.calls if "weights" in c.params)
        for p in (program, wide)
    ]
    assert taken[0] == pytest.approx(taken[1] / 2, rel=0.001)
    assert same_answers(program, wide)


@pytest.mark.parametrize("name", ["digits", "motion", "small", "ic"])
@pytest.mark.parametrize("keep_first", [False, True])
def test_no_other_choice_of_all_or_none_takes_less_flash(name, keep_first, monkeypatch):
    if name in MLPERF:
        source = MLPERF[name]()
    else:
        source = small() if name == "small" else finish(open_example(name))[0]
    model = preview(QuantizeInt4(keep_first=keep_first), source)
    others = [forced(model, monkeypatch, packed) for packed in (True, False)]
    program = lower(model)
    least = budget(program, BOARD, "zig").flash_bytes.value
    # constants are stored in words
    assert least <= min(budget(p, BOARD, "zig").flash_bytes.value for p in others) + 32
    for kind in KINDS:
        alike = {
            "_w4" in call.kernel
            for call, wanted in zip(program.calls, others[0].calls, strict=True)
            if f"{kind}_w4" in wanted.kernel
        }
        assert len(alike) < 2, f"{kind} in both forms where both have 4 bits"
