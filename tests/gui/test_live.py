"""The live panel draws what arrives, without leaking and without jumping."""

from __future__ import annotations

import gc
import statistics
import sys
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.panels.live import POINTS, LivePanel
from studio.session import Reading

LABELS = ("standing", "running")


def reading(index: int) -> Reading:
    rng = np.random.default_rng(index)
    signal = rng.standard_normal((6, 100), np.float32)
    scores = np.array([0.2, 0.8], np.float32)
    return Reading("virtual/host", signal, None, scores, LABELS, index % 2, 0.004)


@pytest.fixture
def panel(qtbot: QtBot) -> LivePanel:
    made = LivePanel()
    qtbot.addWidget(made)
    made.resize(700, 280)
    made.show()
    made.start()
    return made


def test_it_shows_the_class_and_counts_what_is_right(panel: LivePanel) -> None:
    for index in range(4):
        panel.receive(reading(index))
    panel.draw()
    assert panel.verdict.text() == "running"
    assert (panel.answered, panel.correct) == (4, 2)
    assert "4 windows" in panel.figures.text()


def test_the_newest_point_is_at_the_right(panel: LivePanel) -> None:
    panel.receive(reading(7))
    panel.draw()
    ages, values = panel.plot.listDataItems()[0].getOriginalDataset()
    assert len(ages) == POINTS
    assert values[-1] == reading(7).signal[0, -1]


def test_the_axes_have_a_true_minus_sign(panel: LivePanel) -> None:
    panel.receive(reading(7))
    panel.draw()
    panel.plot.grab()  # ticks are made when they are drawn
    for side in ("left", "bottom"):
        axis = panel.plot.getPlotItem().getAxis(side)
        texts = [
            text
            for level in axis.tickValues(-800, 0, 300)
            for text in axis.tickStrings(level[1], 1, level[0])
        ]
        assert any(text.startswith("\u2212") for text in texts)
        assert not any("-" in text for text in texts)


def test_an_image_is_shown_as_an_image(panel: LivePanel) -> None:
    picture = np.eye(8, dtype=np.float32)
    scores = np.array([1.0, 0.0], np.float32)
    panel.receive(Reading("virtual/host", picture, picture, scores, LABELS, 0, 0.001))
    panel.draw()
    assert not panel.plot.listDataItems()
    assert panel.grab().toImage().width() == 700


def test_plotting_500_frames_does_not_lose_references_of_none(
    panel: LivePanel,
) -> None:
    """PySide6 6.12.0 lost 38 a frame until the process aborted.

    The median of five stretches: what earlier tests left behind goes once, not in each of them.
    """

    def frame(index: int) -> None:
        panel.receive(reading(index))
        panel.draw()
        panel.plot.repaint()
        QApplication.processEvents()

    for index in range(20):
        frame(index)
    gc.collect()
    counts = [sys.getrefcount(None)]
    for _ in range(5):
        for index in range(100):
            frame(index)
        gc.collect()
        counts.append(sys.getrefcount(None))
    assert abs(statistics.median(b - a for a, b in pairwise(counts))) < 100
