"""Time, energy and battery: formulas, and unknown stays unknown."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace

import pytest
from nets import MLPERF, conv_1d

from studio.budget import Reserve, budget
from studio.budget.advice import changes
from studio.budget.effort import CPI, Duty, battery_days, kernel_class
from studio.budget.side_by_side import COLUMNS, as_csv, as_markdown, why
from studio.compiler.cost import cost_table
from studio.compiler.lower import lower
from studio.compiler.program import Options
from studio.compression.quantize_int8 import QuantizeInt8, preview
from studio.errors import BuildError, ProfileError
from studio.targets.library import profile, profiles
from studio.targets.profile import Fact


@pytest.fixture(scope="module")
def kws():
    return lower(preview(QuantizeInt8(), MLPERF["kws"]()))


def test_time_is_cycles_by_the_clock_and_energy_is_charge_by_volts(kws):
    board = profile("nrf52840_dk")
    found = budget(kws, board)
    assert found.instructions.source == "estimated"
    low, high = min(CPI["cortex-m4f"].values()), max(CPI["cortex-m4f"].values())
    ratio = found.cycles.value / found.instructions.value
    assert low - 1e-9 <= ratio <= high + 1e-9
    assert found.latency_us.value == pytest.approx(found.cycles.value / 64)
    assert found.charge_uc.value == pytest.approx(3.3 * found.latency_us.value / 1000)
    assert found.energy_uj.value == pytest.approx(3.0 * found.charge_uc.value)


def test_an_estimate_states_the_largest_error_of_its_kernels(kws):
    found = budget(kws, profile("nrf52840_dk"))
    table = cost_table("zig", "cortex-m4f").kernels
    assert [layer.error for layer in found.layers] == [table[c.kernel].error for c in kws.calls]
    weighted = sum(layer.error * layer.instructions for layer in found.layers)
    assert f"+-{weighted / found.instructions.value:.0%}" in found.instructions.detail


def test_a_kernel_without_a_cost_leaves_instructions_unknown(kws, monkeypatch):
    table = cost_table("zig", "cortex-m4f")
    less = {name: cost for name, cost in table.kernels.items() if "dense" not in name}
    monkeypatch.setattr("studio.budget.cost_table", lambda *_: replace(table, kernels=less))
    found = budget(replace(kws, name="other"), profile("nrf52840_dk"))
    assert found.instructions is found.cycles is found.latency_us is None
    assert [layer.kernel for layer in found.layers if layer.error is None] == ["tms_dense_s8"]


@pytest.mark.parametrize(
    ("kernel", "known"),
    [
        ("tms_conv_transpose2d_s8_dr", "int8"), ("tms_transpose_b8", "move"),
        ("tms_lut_s16", "move"), ("tms_conv2d_f32_w8", "float32"), ("tms_take_b32", "move"),
        ("tms_dense_s8_z1", "int8"),
    ],
)  # fmt: skip
def test_kernels_are_classed_by_what_they_do(kernel, known):
    assert kernel_class(kernel) == known


def test_what_a_board_does_not_state_is_none(kws):
    no_current = budget(kws, profile("nucleo_f401re"))
    assert no_current.latency_us is not None
    assert no_current.charge_uc is None
    assert no_current.energy_uj is None
    assert battery_days(no_current.profile, no_current.latency_us, Duty(200, 1, 0.1)) is None
    no_volts = budget(kws, profile("b_l475e_iot01a"))
    assert no_volts.charge_uc is not None
    assert no_volts.energy_uj is None
    no_clock = budget(kws, profile("survey_cortex_m7"))
    assert no_clock.cycles is not None
    assert no_clock.latency_us is None


def test_a_battery_lasts_by_mean_current():
    board = replace(profile("nrf52840_dk"), active_ma=Fact(10.0, "here"))
    found = replace(budget(lower(conv_1d()), board).latency_us, value=100_000)
    days = battery_days(board, found, Duty(240, period_s=1.0, sleep_ma=0.0))
    assert days.value == pytest.approx(240 / 1.0 / 24)
    with pytest.raises(ProfileError, match="positive"):
        Duty(0, 1, 0)


def test_layers_add_up_to_the_net(kws):
    found = budget(kws, profile("nrf52840_dk"))
    assert sum(layer.macs for layer in found.layers) == found.macs.value
    assert sum(layer.instructions for layer in found.layers) == found.instructions.value
    assert sum(layer.weight_bytes for layer in found.layers) == found.flash_parts["weights"]
    assert sum(found.kernel_bytes.values()) == found.flash_parts["kernels"]
    assert set(found.kernel_bytes) == {call.kernel for call in kws.calls}


def test_the_users_application_is_set_aside(kws):
    board = profile("nucleo_f401re")
    free = budget(kws, board)
    taken = budget(kws, board, reserve=Reserve(500_000, 90_000))
    assert free.fits
    assert taken.over_flash_bytes == free.flash_bytes.value + 500_000 - (512 << 10)
    assert taken.over_ram_bytes > 0
    with pytest.raises(ProfileError, match="negative"):
        Reserve(-1, 0)


def test_what_would_make_it_fit_is_computed():
    model = MLPERF["kws"]()
    board = profile("bluepill_f103c8")
    now = budget(lower(model), board)
    assert not now.fits
    found = changes(model, Options(), now)
    assert 1 <= len(found) <= 3
    assert [change.kind for change in found if change.fits][:1] == ["quantize"]
    for change in found:
        assert change.ram_bytes == now.ram_bytes.value - change.budget.ram_bytes.value
    assert changes(model, Options(), budget(lower(model), profile("nucleo_h743zi2"))) == ()


def test_weights_in_ram_that_do_not_fit_go_back_to_flash_first():
    model = preview(QuantizeInt8(), MLPERF["kws"]())
    board, options = profile("bluepill_f103c8"), Options(plan="small", weights="ram")
    now = budget(lower(model, options), board)
    assert now.over_ram_bytes
    assert not now.over_flash_bytes
    first = changes(model, options, now)[0]
    assert (first.kind, first.fits) == ("weights", True)
    assert 0 <= first.flash_bytes < 8  # what aligns the variables behind them
    assert first.ram_bytes == now.copied_bytes.value
    assert f"weights in RAM take {first.ram_bytes}" in why(now)
    assert now.cycles is not None
    assert "not estimated" in now.cycles.detail
    assert "not estimated" not in budget(lower(model), board).cycles.detail


def test_side_by_side_as_csv_and_markdown(kws):
    found = [budget(kws, profile(board)) for board in ("nrf52840_dk", "survey_cortex_m0plus_4k")]
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [line["fits"] for line in lines] == ["yes", "no"]
    assert lines[1]["latency_us"] == "unknown"
    assert "flash over by" in lines[1]["why"]
    assert as_markdown(found).count("\n") == 4
    assert as_markdown(found).splitlines()[0].count("|") == len(COLUMNS) + 1


def test_all_boards_in_less_than_100_ms():
    model = preview(QuantizeInt8(), MLPERF["vww"]())
    taken = []
    for _ in range(5):
        program = lower(model)
        begin = time.process_time()
        for board in profiles().values():
            try:
                budget(program, board)
            except BuildError:
                assert board.core.startswith("xtensa")
        taken.append(time.process_time() - begin)
    assert sorted(taken)[2] < 0.1
