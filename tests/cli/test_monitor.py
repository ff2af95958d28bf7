"""`monitor`: what a board sends, here over a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from studio.boards.frames import Frame, FrameType, encode

Studio = Callable[..., Any]


@contextmanager
def board(sends: bytes, awaits: bytes) -> Iterator[str]:
    """A port on which a board waits for some bytes, then sends in small pieces.

    pyserial drops what came before it has opened the port, hence the wait.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            line, _ = server.accept()
            with line:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.settimeout(5)
                got = b""
                while awaits not in got:
                    got += line.recv(64)
                for index in range(0, len(sends), 7):
                    line.sendall(sends[index : index + 7])
                line.settimeout(5)
                line.recv(64)

        thread = threading.Thread(target=talk)
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_monitor_prints_text_and_frames_in_order(studio: Studio) -> None:
    frame = encode(Frame(FrameType.MEMORY, 7, 1234, b"\x01\x02"))
    with board(b"m-ready\r\n>ax:0.5\n" + frame + b"left over", b"go%") as port:
        ran = studio("monitor", "--port", port, "--send", "go%", "--seconds", 2, "--json")
    assert ran.status == 0
    assert ran.data["lines"] == ["m-ready", ">ax:0.5", "frame MEMORY 7 1234 us 0102", "left over"]


def test_monitor_sends_a_question_first(studio: Studio) -> None:
    with board(b"m-name-dut-[studio]\n", b"name%") as port:
        ran = studio("monitor", "--port", port, "--send", "name%", "--seconds", 2)
    assert ran.out.splitlines() == ["m-name-dut-[studio]"]


def test_a_port_that_is_not_there_is_one_error(studio: Studio) -> None:
    ran = studio("monitor", "--port", "/dev/no-such-port", "--json")
    assert ran.status == 2
    assert ran.data["error"]["where"] == "/dev/no-such-port"
