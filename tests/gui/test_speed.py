"""The window answers at once: big models, many cards, and while everything runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from window_speed import busy, draw_s, pan_s

from studio.gui.garbage import Garbage

P99_MS, LONGEST_MS = 50, 250


def test_the_main_thread_is_free_while_training_building_flashing_and_streaming_at_once(
    tmp_path: Path,
) -> None:
    """The better of two: a thread of ours that loses the processor may hold Python's lock."""
    told = []
    for attempt in ("1", "2"):
        told.append(busy(tmp_path / attempt))
        sys.stderr.write(f"{told[-1]}\n")
        assert told[-1]["ticks"] > 200
        p99_ms, longest_ms = told[-1]["blocked_ms"]
        if p99_ms <= P99_MS and longest_ms <= LONGEST_MS:
            return
    raise AssertionError(told)


def test_a_model_of_500_nodes_is_drawn_in_under_a_second(qtbot: QtBot) -> None:
    """Of processor time, as all below: a busy machine is none of the window's."""
    assert draw_s(500)[1] < 1.0


def test_200_cards_are_panned_with_frames_under_16_ms(qtbot: QtBot) -> None:
    frames_s = sorted(own for _, own in pan_s(200))
    assert frames_s[int(0.95 * len(frames_s))] < 0.016


@pytest.mark.parametrize("rows", [1, 2])
def test_a_long_chain_is_placed_without_recursion(rows: int) -> None:
    from studio.gui.panels.graph_layout import place

    sources = [(i - 1,) if i else () for i in range(3000 * rows)]
    assert len(set(place(sources))) == len(sources)


class Knot:
    """Garbage that only a search for cycles finds."""

    left = 0

    def __init__(self) -> None:
        self.itself = self
        Knot.left += 1

    def __del__(self) -> None:
        Knot.left -= 1


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    """Started anew, on a heap of which everything was searched; limits as low as can be."""
    limits, owner = gc.get_threshold(), QObject()
    gc.unfreeze()
    gc.collect()
    made = Garbage(owner)
    gc.set_threshold(1, 1, 1)
    yield made
    gc.set_threshold(*limits)


def collect(garbage: Garbage, times: int = 20) -> None:
    """As if the timer had gone off; something lives on each time."""
    for _ in range(times):
        kept = [[] for _ in range(100)]  # type: ignore[var-annotated]
        garbage.collect()
        del kept


def test_young_cycles_are_collected_soon(garbage: Garbage) -> None:
    Knot()
    collect(garbage)
    assert not Knot.left


def test_old_ones_wait_until_a_quarter_more_lives(garbage: Garbage) -> None:
    old = Knot()
    collect(garbage)
    assert gc.get_freeze_count()
    del old
    collect(garbage)
    assert Knot.left == 1
    more = [[] for _ in range(gc.get_freeze_count() // 3)]  # type: ignore[var-annotated]
    collect(garbage)
    assert not Knot.left
    assert more
