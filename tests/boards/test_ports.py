"""Serial ports are listed with the boards that they may be."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from studio.boards.ports import connected


def test_a_usb_port_names_its_boards_and_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SimpleNamespace(device="/dev/ttyS0", description="n/a", vid=None, pid=None)
    probe = SimpleNamespace(device="/dev/ttyX1", description="ST-Link", vid=0x0483, pid=0x374B)
    monkeypatch.setattr(list_ports, "comports", lambda: [plain, probe])
    first, second = connected()
    assert (first.port, first.usb_id) == ("/dev/ttyX1", "0483:374b")
    assert "stm32f746g_disco" in first.boards
    assert (second.port, second.usb_id, second.boards) == ("/dev/ttyS0", "", ())
