"""The serial ports of this computer, and which boards they may be."""

from __future__ import annotations

from dataclasses import dataclass

from studio.targets.library import profiles


@dataclass(frozen=True, slots=True)
class FoundPort:
    """A serial port that is there now.

    Attributes:
        port: its name, as `--port` takes it.
        description: what the system says of it.
        usb_id: "vid:pid" in lower-case hexadecimal, or "" where it is no USB port.
        boards: ids of the profiles that have such a port.
    """

    port: str
    description: str
    usb_id: str
    boards: tuple[str, ...]


def connected() -> tuple[FoundPort, ...]:
    """All serial ports, USB ones first."""
    from serial.tools import list_ports

    found = []
    for item in list_ports.comports():
        usb_id = f"{item.vid:04x}:{item.pid:04x}" if item.vid is not None else ""
        boards = tuple(p.id for p in profiles().values() if usb_id and usb_id in p.usb_ids)
        found.append(FoundPort(item.device, item.description or "", usb_id, boards))
    return tuple(sorted(found, key=lambda one: (not one.usb_id, one.port)))
