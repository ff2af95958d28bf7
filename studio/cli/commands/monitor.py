"""What a board sends: text as it comes, frames by type.

Ends with Ctrl-C, or after --seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer

if TYPE_CHECKING:
    from studio.boards.frames import Frame
    from studio.boards.port import Port

_SLICE_S = 0.1
_JSON_SECONDS = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The port, what to send first, how long to listen."""
    stations.add_port(parser, required=True)
    parser.add_argument(
        "--send", metavar="TEXT", default="", help="send this first, such as name%% or profile%%"
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=stations.positive,
        help=f"default: no end; with --json {_JSON_SECONDS:g}",
    )


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Listen; holds where anything came."""
    from studio.boards.port import Port

    port = Port(args.port)
    if args.send:
        port.write(args.send.encode())
    if not args.json and args.seconds is None:
        return Answer({}, _until_interrupted(port))
    with port:
        lines = list(_lines(port, args.seconds or _JSON_SECONDS))
    data = {"port": args.port, "listened_s": args.seconds or _JSON_SECONDS, "lines": lines}
    return Answer(data, lines, held=bool(lines))


def _until_interrupted(port: Port) -> Iterator[str]:
    with port:
        try:
            yield from _lines(port, float("inf"))
        except KeyboardInterrupt:
            return


def _lines(port: Port, seconds: float) -> Iterator[str]:
    """Lines of text, and one line a frame, in the order in which they came."""
    from studio.boards.frames import decode

    pending, text, framed = b"", "", False
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        *pieces, pending = (pending + port.read(_SLICE_S)).split(b"\0")
        for piece in pieces:
            frame = decode(piece) if piece else None
            framed = frame is None  # then this zero opens a frame, else it closed one
            if frame is None:
                text += piece.decode(errors="replace")
            else:
                yield _frame_line(frame)
        if not framed:
            text, pending = text + pending.decode(errors="replace"), b""
        *whole, text = text.split("\n")
        yield from (line.rstrip("\r") for line in whole if line.strip())
    if text.strip():
        yield text.rstrip("\r")


def _frame_line(frame: Frame) -> str:
    from studio.boards.frames import FrameType

    names = {kind.value: kind.name for kind in FrameType}
    name = names.get(frame.type, str(frame.type))
    return f"frame {name} {frame.sequence} {frame.time_us} us {frame.payload.hex()}"
