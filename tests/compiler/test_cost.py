"""Instructions before the run: loops counted as the kernels run them, against virtual boards."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest
from bench.budget import program_of
from bench.costs import errors
from nets import MLPERF, conv_1d

from studio.compiler.cost import (
    call_counts,
    cost_table,
    counts,
    kernel_counts,
    kernel_form,
    program_counts,
    stage_instructions,
)
from studio.compiler.cost.loops import LOOPS
from studio.compiler.cost.windows import WINDOW_LOOPS
from studio.compiler.kernel import kernels
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compiler.sparse import encoded
from studio.compiler.window import window
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BuildError

TABLES = [
    (compiler, core)
    for compiler in ("zig", "gcc")
    for core in (
        "cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55"
    )
]  # fmt: skip


@pytest.mark.parametrize(("compiler", "core"), TABLES)
def test_every_table_knows_every_kernel_and_states_its_error(compiler, core):
    table = cost_table(compiler, core)
    assert table.kernels.keys() == kernels().keys()
    for name, cost in table.kernels.items():
        assert cost.calls >= 20, name
        assert 0 <= cost.typical_error <= cost.error, name
        assert all(value >= 0 for value in cost.coefficients.values()), name


def conv(kernel="tms_conv2d_s8", **others) -> dict[str, float]:
    return kernel_counts(kernel, window((4, 4, 8), 6, (3, 3), pads=(1, 1, 1, 1)) | others)


def test_padding_is_not_counted_as_work():
    inside = kernel_counts("tms_conv2d_s8", window((6, 6, 8), 6, (3, 3)))
    counts = conv()
    assert counts["place"] == inside["place"] == 16
    # of 4 x 4 places 3 x 3 taps each, the border leaves (2 + 3 + 3 + 2)^2 inside
    assert counts["four n"] == 100 * 8
    assert inside["four n"] == 144 * 8


def test_a_window_of_several_rows_costs_more_than_its_rows():
    high, wide = window((6, 6, 3), 3, (2, 1)), window((6, 6, 3), 3, (1, 2))
    assert kernel_counts("tms_maxpool2d_s8", high)["value of several rows"] == 5 * 6 * 3
    assert "value of several rows" not in kernel_counts("tms_maxpool2d_s8", wide)
    deep = window((6, 6, 64), 8, (1, 2))
    assert kernel_counts("tms_conv2d_s16", deep)["quotient bit"] == 6 * 5 * 8 * 7


def test_filters_beyond_a_multiple_of_four_are_counted_apart():
    counts = conv()
    assert counts["filter"] == 16 * 6
    assert counts["block"] == counts["last block"] == 16
    assert counts["one n"] == 2 * counts["four n"]


def test_weights_of_four_bits_are_read_by_twos():
    even, odd = conv("tms_conv2d_s8_w4"), conv("tms_conv2d_s8_w4", in_c=7)
    assert even["four n"] == 2 * conv()["four n"] / 2, "six filters are two blocks"
    assert "lead" not in even
    assert 2 * odd["four n"] + odd["lead"] + odd["last"] == 100 * 7 * 2


def sparse(kept: float, kernel="tms_conv2d_s8_z4") -> dict[str, float]:
    weights = np.ones((6, 9, 8), np.int8)
    weights.reshape(-1, 4)[: round(6 * 9 * 2 * kept)] = 0
    return conv(kernel, weights=encoded(weights, 4))


def test_sparse_weights_count_what_is_stored_and_share_places_that_see_the_same():
    whole = sparse(0)
    # of four places a row the outer ones see fewer taps: none share
    assert whole["tap of 1"] == 100 * 6
    assert whole["block of 1 n"] == 100 * 6 * 2
    assert sparse(0.5)["block of 1 n"] == pytest.approx(whole["block of 1 n"] / 2, rel=0.01)
    shared = kernel_counts(
        "tms_conv2d_s8_z4",
        window((6, 11, 8), 6, (3, 3)) | {"weights": encoded(np.ones((6, 9, 8), np.int8), 4)},
    )
    assert shared["patch of 4"] == 4 * 2
    assert shared["patch of 1"] == 4 * 1


@pytest.fixture
def sweep(monkeypatch):
    """What `make cost-tables` measures."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "packaging"))
    return importlib.import_module("cost_sweep")


def test_every_kernel_has_loops_that_somebody_wrote_down():
    unknown = sorted(name for name in kernels() if kernel_form(name) is None)
    assert not unknown, f"studio/compiler/cost does not know the loops of {', '.join(unknown)}"


def test_all_loops_have_geometries_to_measure(sweep):
    assert sweep.DRAWS.keys() == LOOPS.keys() | WINDOW_LOOPS.keys()


def test_a_kernel_without_loops_is_measured_by_its_examples(sweep, monkeypatch):
    monkeypatch.setattr(sweep, "kernel_form", lambda name: None)
    kernel = kernels()["tms_lstm_f32"]
    made = sweep.Sweep()
    made.add(kernel, np.random.default_rng(0))
    hidden = {example.params["hidden"] for example in kernel.examples(np.random.default_rng(0))}
    calls = [made.program().calls[sample.call] for sample in made.samples]
    assert len(calls) >= sweep.EXAMPLE_CALLS
    assert {call.params["hidden"] for call in calls} == hidden


def test_a_kernel_without_loops_is_estimated_by_the_sizes_that_it_sees(monkeypatch):
    program = lower(conv_1d())
    monkeypatch.setattr(counts, "knows", lambda name: False)
    found = [call_counts(program, call) for call in program.calls]
    read = [math.prod(program.buffers[call.inputs[0]].shape) for call in program.calls]
    assert [row["read n"] for row in found] == read


def test_half_of_what_leaves_a_relu_is_zero_for_float_kernels():
    program = lower(conv_1d())
    found = {
        call.kernel: row for call, row in zip(program.calls, program_counts(program), strict=True)
    }
    depthwise = found["tms_depthwise2d_f32"]
    assert depthwise["tap n of zeros"] == depthwise["tap n"]
    assert "tap n of zeros" not in found["tms_conv2d_f32"], "what comes in has no zeros"


def test_a_kernel_that_a_table_lacks_is_a_named_error():
    with pytest.raises(BuildError, match="tms_none"):
        cost_table("zig", "cortex-m4f").instructions("tms_none", {})
    with pytest.raises(BuildError, match="xtensa-lx7"):
        cost_table("zig", "xtensa-lx7")


def test_rows_cost_a_little_more_than_the_whole():
    model = preview(QuantizeInt8(), MLPERF["kws"]())
    table = cost_table("zig", "cortex-m4f")
    whole = sum(stage_instructions(lower(model), table))
    rows = sum(stage_instructions(lower(model, Options(plan="small")), table))
    assert whole < rows < 1.25 * whole


@pytest.mark.needs_qemu
@pytest.mark.needs_gcc
@pytest.mark.parametrize(
    ("core", "compiler", "net", "plan"),
    [
        ("cortex-m4f", "zig", "kws", "small"),
        ("cortex-m4f", "gcc", "ic", "layerwise"),
        ("cortex-m55", "zig", "ad", "layerwise"),
        ("cortex-m3", "gcc", "vww", "layerwise"),
    ],
)
def test_nets_within_5_percent_and_layers_within_10(core, compiler, net, plan):
    program = lower(preview(QuantizeInt8(), MLPERF[net]()), Options(plan=plan))
    whole, worst, where = errors(program, core, compiler)
    assert abs(whole) <= 0.05
    assert abs(worst) <= 0.10, where


@pytest.mark.needs_qemu
@pytest.mark.needs_gcc
@pytest.mark.parametrize(
    ("core", "compiler", "net"),
    [
        ("cortex-m0plus", "zig", "motion int8"), ("cortex-m0plus", "gcc", "digits int16"),
        ("cortex-m3", "gcc", "digits int16"), ("cortex-m7", "zig", "motion int8"),
        ("cortex-m33", "gcc", "motion int8"),
    ],
)  # fmt: skip
def test_what_the_steps_make_is_estimated_as_closely(core, compiler, net):
    whole, worst, where = errors(program_of(net), core, compiler)
    assert abs(whole) <= 0.05
    assert abs(worst) <= 0.10, where


@pytest.mark.needs_qemu
def test_a_float_net_within_5_percent():
    assert abs(errors(lower(conv_1d()), "cortex-m4f", "zig")[0]) <= 0.05
