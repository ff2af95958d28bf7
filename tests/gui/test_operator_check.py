"""What the operator check finds is seen the moment a file opens, and so are transposes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nets import Net

from studio.gui.main_window import MainWindow
from studio.model.model import Model

Settled = Callable[[], None]


def saved(folder: Path, model: Model) -> str:
    path = folder / "net.onnx"
    path.write_bytes(model.to_bytes())
    return str(path)


def test_what_cannot_run_is_said_when_the_file_opens(
    window: MainWindow, settled: Settled, tmp_path: Path
) -> None:
    net = Net()
    x = net.node("Celu", net.node("Shrink", net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3])))
    window.open(saved(tmp_path, net.model((1, 3, 8, 8), net.node("Sigmoid", x))))
    settled()
    [notice] = window.notices.shown
    assert "Shrink and 1 more of 5 operators cannot run on a board" in notice.text
    assert window.parts.docks.shows(window.parts.model)
    assert "3 supported" in window.parts.model.verdict.text()
    assert "2 refused" in window.parts.model.verdict.text()
    assert "2 refused" in window.parts.settings.about.text()


def test_what_runs_is_said_beside_the_model_without_a_notice(digits: MainWindow) -> None:
    digits.session.select("")
    assert not digits.notices.shown
    assert "supported" in digits.parts.settings.about.text()
    assert "refused" not in digits.parts.settings.about.text()


@pytest.mark.parametrize("turned", [False, True])
def test_transposes_that_remain_are_counted(
    window: MainWindow, settled: Settled, tmp_path: Path, turned: bool
) -> None:
    net = Net()
    x = net.node("Transpose", "x", perm=[0, 2, 1]) if turned else "x"
    window.open(saved(tmp_path, net.model((1, 6, 6), net.node("Add", "x", net.node("Relu", x)))))
    settled()
    window.parts.docks.bring(window.parts.model)
    settled()
    texts = (window.parts.model.verdict.text(), window.parts.settings.about.text())
    assert [("ranspose" in text) for text in texts] == [turned, turned]
