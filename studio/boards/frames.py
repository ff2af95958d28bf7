"""The monitor's binary frames: `0 COBS(type, sequence, device time, payload, CRC) 0`.

The C side, runtime_c/firmware/monitor.h, describes the same.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from enum import IntEnum

from studio.errors import BoardError

PAYLOAD_BYTES = 240
_HEADER = struct.Struct("<BHI")
_MOST_PENDING = 4096


class FrameType(IntEnum):
    """What a frame asks for or carries."""

    INFO = 1
    WRITE = 2
    RUN = 3
    READ = 4
    MEMORY = 5
    LAYER = 6
    ERROR = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame.

    Attributes:
        type: a FrameType, or a number that a newer firmware knows.
        sequence: 16 bits; a reply has its request's.
        time_us: the board's clock when it was sent, 32 bits that wrap.
        payload: at most PAYLOAD_BYTES.
    """

    type: int
    sequence: int
    time_us: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """A frame as it goes over the line."""
    from cobs import cobs

    if len(frame.payload) > PAYLOAD_BYTES:
        raise BoardError(f"a frame carries at most {PAYLOAD_BYTES} bytes", "frame")
    body = _HEADER.pack(frame.type, frame.sequence, frame.time_us) + frame.payload
    encoded: bytes = cobs.encode(body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)))
    return b"\0" + encoded + b"\0"


class Deframer:
    """Finds frames in what a board sends; text between them is kept apart.

    Attributes:
        broken: how many pieces between zeros were neither a frame nor text.
        text: what came outside of frames and was not taken yet.
    """

    def __init__(self) -> None:
        self.broken = 0
        self.text = b""
        self._pending = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with `data`."""
        *pieces, self._pending = (self._pending + data).split(b"\0")
        self._pending = self._pending[-_MOST_PENDING:]
        frames = []
        for piece in pieces:
            frame = decode(piece)
            if frame is not None:
                frames.append(frame)
            elif piece.isascii():
                self.text = (self.text + piece)[-_MOST_PENDING:]
            else:
                self.broken += 1
        return frames


def decode(piece: bytes) -> Frame | None:
    """The frame between two zeros, or None where it is none."""
    from cobs import cobs

    try:
        body = cobs.decode(piece)
    except cobs.DecodeError:
        return None
    if len(body) < _HEADER.size + 2 or binascii.crc_hqx(body[:-2], 0xFFFF) != int.from_bytes(
        body[-2:], "little"
    ):
        return None
    kind, sequence, time_us = _HEADER.unpack(body[: _HEADER.size])
    return Frame(kind, sequence, time_us, body[_HEADER.size : -2])
