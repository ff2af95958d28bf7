"""Frames on a bad line, and ports that are busy, silent, gone or no ports at all."""

import os
import time
import tty

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.boards.frames import PAYLOAD_BYTES, Deframer, Frame, FrameType, decode, encode
from studio.boards.link import Link
from studio.boards.port import Port
from studio.errors import BoardError
from tests.build import tiny_model

X = np.arange(tiny_model.N).astype(np.int8)


@given(st.binary(max_size=PAYLOAD_BYTES), st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_a_frame_comes_out_as_it_went_in(payload, sequence, time_us):
    frame = Frame(FrameType.INFO, sequence, time_us, payload)
    line = encode(frame)
    assert line.count(0) == 2
    assert decode(line[1:-1]) == frame


@given(st.binary(max_size=400))
def test_random_bytes_are_never_a_frame_with_a_wrong_crc_nor_an_exception(noise):
    deframer = Deframer()
    deframer.feed(noise + b"\0")
    frame = Frame(FrameType.RUN, 7, 1, b"\0x\0")
    assert deframer.feed(encode(frame))[-1] == frame


def test_frames_are_found_between_text_and_across_reads():
    frame = Frame(FrameType.READ, 3, 9, bytes(PAYLOAD_BYTES))
    line = b"m-ready\r\n" + encode(frame) + b"m-lap-us-3\r\n" + encode(frame)
    deframer = Deframer()
    found = [f for at in range(len(line)) for f in deframer.feed(line[at : at + 1])]
    assert found == [frame, frame]
    assert deframer.text == b"m-ready\r\nm-lap-us-3\r\n"
    assert deframer.broken == 0


def test_a_flipped_bit_is_noticed():
    line = bytearray(encode(Frame(FrameType.WRITE, 3, 0, b"abc")))
    line[5] ^= 4
    assert decode(bytes(line[1:-1])) is None


GARBAGE = {
    "bytes": bytes(range(1, 256)) * 3,
    "zeros": bytes(50),
    "an oversize frame": b"\0" + b"\x41" * 3000 + b"\0",
    "a frame with a wrong CRC": encode(Frame(FrameType.RUN, 9, 0, b"\0"))[:-2] + b"\x55\0",
    "half a frame": encode(Frame(FrameType.MEMORY, 9, 0, b""))[:6],
    "a text command that never ends": b"infer " + b"9" * 500,
    "a lost opening zero": encode(Frame(FrameType.INFO, 9, 0, b"\0\0\0"))[1:],
    "an unknown request": encode(Frame(200, 9, 0, b"abc")),
    "a short request": encode(Frame(FrameType.READ, 9, 0, b"")),
    "a write outside of the input": encode(Frame(FrameType.WRITE, 9, 0, b"\0\xff\xff\xff\xffabc")),
    "a read beyond the output": encode(Frame(FrameType.READ, 9, 0, b"\0\xf4\x01\0\0\x01")),
}


def test_garbage_on_the_line_does_not_confuse_the_monitor(running):
    for name, garbage in GARBAGE.items():
        with Link(running.port, timeout_s=0.5) as link:
            link.port.write(garbage)
            np.testing.assert_array_equal(link.infer([X])[0], tiny_model.expected(X), err_msg=name)


def test_requests_that_break_on_the_way_are_asked_again(running):
    with Link(running.port, timeout_s=0.5) as link:
        assert link.info.layers == 2
        send, count = link.port.write, 0

        def noisy(data: bytes) -> None:
            nonlocal count
            count += 1
            if count % 3 == 0:
                data = data[:5] + bytes([data[5] ^ 0x10]) + data[6:]
            send(data)

        link.port.write = noisy
        for _ in range(3):
            np.testing.assert_array_equal(link.infer([X])[0], tiny_model.expected(X))
        assert link.retries >= 3


def test_a_repeated_run_is_answered_and_not_run_again(running):
    """Else a lost answer would run the model on what the first run left."""
    with Port(running.port) as port:
        deframer = Deframer()

        def ask(kind: FrameType, sequence: int, payload: bytes) -> bytes:
            port.write(encode(Frame(kind, sequence, 0, payload)))
            end = time.monotonic() + 5
            while time.monotonic() < end:
                for frame in deframer.feed(port.read(0.5)):
                    assert (frame.type, frame.sequence) == (kind, sequence)
                    return frame.payload
            raise AssertionError("no answer")

        for at in range(0, tiny_model.N, 100):
            head = b"\0" + at.to_bytes(4, "little")
            ask(FrameType.WRITE, 1, head + X[at : at + 100].tobytes())
        assert ask(FrameType.RUN, 2, b"\0") == ask(FrameType.RUN, 2, b"\0")
        part = ask(FrameType.READ, 3, b"\0\0\0\0\0\x64")
        assert part == tiny_model.expected(X)[:100].tobytes()


def test_an_input_of_another_type_or_size_is_refused_before_it_is_sent(running):
    with Link(running.port) as link:
        with pytest.raises(BoardError, match=r"takes int8\[500\]"):
            link.infer([X.astype(np.uint8)])
        with pytest.raises(BoardError, match="takes 1 inputs"):
            link.infer([])


def test_a_busy_port_is_named(running):
    with Port(running.port), pytest.raises(BoardError, match="busy") as caught:
        Port(running.port)
    assert caught.value.where == running.port
    Port(running.port).close()


def test_a_board_that_never_answers_is_given_up_within_ten_seconds():
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        start = time.monotonic()
        with Link(os.ttyname(theirs)) as link, pytest.raises(BoardError) as caught:
            _ = link.info
        assert "does not answer" in caught.value.what
        assert time.monotonic() - start < 10
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_vanished_port_is_named():
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    port = Port(name)
    os.close(theirs)
    os.close(ours)
    with port, pytest.raises(BoardError, match="vanished"):
        port.read(1.0)


@pytest.mark.parametrize("name", ["/dev/no-such-port", "socket://127.0.0.1:9", "nonsense://x"])
def test_a_port_that_is_not_there_is_named(name):
    with pytest.raises(BoardError) as caught:
        Port(name)
    assert caught.value.where == name
    assert caught.value.hint
