"""How long a slider's move takes to reach all boards."""

from __future__ import annotations

from bench.speed import moves_ms


def test_a_move_on_a_net_of_30_layers_reaches_all_boards_in_under_100_ms():
    moves = sorted(moves_ms(24))
    assert moves[int(0.95 * len(moves))] < 100, "milliseconds of processor time, p95"
