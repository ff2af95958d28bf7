"""Instructions before the run: loops counted as the kernels run them, against virtual boards."""

from __future__ import annotations

import pytest
from bench.costs import errors
from nets import MLPERF, conv_1d

from studio.compiler.cost import call_counts, cost_table, knows, stage_instructions
from studio.compiler.kernel import kernels
from studio.compiler.lower import lower
from studio.compiler.program import KernelCall, Options
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
def test_every_table_knows_every_kernel_with_known_loops_and_states_its_error(compiler, core):
    table = cost_table(compiler, core)
    assert table.kernels.keys() == {name for name in kernels() if knows(name)}
    for name, cost in table.kernels.items():
        assert cost.calls >= 40, name
        assert 0 < cost.typical_error <= cost.error, name
        assert all(value >= 0 for value in cost.coefficients.values()), name


def conv(**others) -> KernelCall:
    params = window((4, 4, 8), 6, (3, 3), pads=(1, 1, 1, 1)) | others
    return KernelCall("", "tms_conv2d_s8", (0,), (1,), params, 0, None, params["out_h"])


def test_padding_is_not_counted_as_work():
    whole, padded = window((6, 6, 8), 6, (3, 3)), conv()
    inside = call_counts(KernelCall("", "tms_conv2d_s8", (0,), (1,), whole, 0, None, 4))
    counts = call_counts(padded)
    assert counts["place"] == inside["place"] == 16
    # of 4 x 4 places 3 x 3 taps each, the border leaves (2 + 3 + 3 + 2)^2 inside
    assert counts["dots four n"] == 100 * 8
    assert inside["dots four n"] == 144 * 8


def test_filters_beyond_a_multiple_of_four_are_counted_apart():
    counts = call_counts(conv())
    assert counts["filter"] == 16 * 6
    assert counts["block"] == counts["last block"] == 16
    assert counts["dots one n"] == 2 * counts["dots four n"]


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
def test_a_float_net_within_5_percent():
    assert abs(errors(lower(conv_1d()), "cortex-m4f", "zig")[0]) <= 0.05
