"""Virtual boards: QEMU's machines, and this computer as a board.

A board is a child process with its UART on a pseudo-terminal or a TCP socket. It never outlives
this process, however that ends.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Literal

from studio.boards.flashers.flasher import Running
from studio.boards.link import Link
from studio.build.link_map import Image
from studio.build.process import end, leave, watch
from studio.errors import BoardError
from studio.targets.profile import Profile

Transport = Literal["pty", "tcp"]
_START_S = 8.0
_QEMU = "qemu-system-arm"
_PTY_NAME = re.compile(rb"redirected to (\S+)")


class VirtualBoard(Running):
    """A running virtual board; made by `start`.

    Args:
        port: name of the serial port.
        process: the child.
        held: a file descriptor of the port: while it is open, the child sees no hang-up when a
            user closes the port. (QEMU looks only once a second for the next one.)
    """

    def __init__(
        self, port: str, process: subprocess.Popen[bytes], held: tuple[int, ...] = ()
    ) -> None:
        super().__init__(port)
        self.process = process
        self._held = held
        watch(process)

    @property
    def alive(self) -> bool:
        """False where the process has ended."""
        if self.process.poll() is None:
            return True
        leave(self.process)
        return False

    def close(self) -> None:
        """End the process; a second time does nothing."""
        leave(self.process)
        _end(self.process)
        for descriptor in self._held:
            os.close(descriptor)
        self._held = ()


def start(
    profile: Profile, image: Image, *, icount: bool = True, transport: Transport | None = None
) -> VirtualBoard:
    """Start a virtual board and wait until it answers.

    Args:
        profile: a profile whose id begins with `virtual/`.
        image: what it runs.
        icount: count instructions exactly; without, QEMU's clock is the wall clock.
        transport: what its UART is connected to; None takes a pseudo-terminal where there is one.

    Raises:
        BoardError: QEMU is missing, refuses, or the firmware does not answer.
    """
    chosen = transport or ("pty" if hasattr(os, "openpty") else "tcp")
    if profile.machine:
        board = _start_qemu(profile, image, icount, chosen)
    elif chosen == "pty":
        board = _start_host(profile, image)
    else:
        raise BoardError(
            "needs a pseudo-terminal, which this system lacks", profile.id, "take a QEMU board"
        )
    try:
        with Link(board.port, timeout_s=_START_S / 3) as link:
            _ = link.info  # takes the banner off the line, too
    except BaseException:
        board.close()
        raise
    return board


def _start_qemu(profile: Profile, image: Image, icount: bool, transport: Transport) -> VirtualBoard:
    program = shutil.which(_QEMU)
    if program is None:
        raise BoardError(
            f"{_QEMU} is not installed",
            profile.id,
            "install it (Debian: apt install qemu-system-arm), or take virtual/host",
        )
    tcp_port = _free_tcp_port() if transport == "tcp" else 0
    tcp = f"tcp:127.0.0.1:{tcp_port},server=on,wait=off,nodelay=on"
    command = [
        program, "-M", profile.machine, "-display", "none", "-monitor", "none",
        "-serial", tcp if tcp_port else "pty", "-kernel", str(image.elf),
        *(("-icount", "shift=0") if icount else ()),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as complaints:
        process = _spawn(command, profile, subprocess.DEVNULL, subprocess.PIPE, complaints)
        try:
            if tcp_port:
                _await_tcp(process, tcp_port)
                port = f"socket://127.0.0.1:{tcp_port}"
            else:
                port = _pty_of(process)
        except BoardError as error:
            _end(process)
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise BoardError(error.what, profile.id, said[-1] if said else error.hint) from None
        except BaseException:
            _end(process)
            raise
    return VirtualBoard(
        port, process, () if tcp_port else (os.open(port, os.O_RDWR | os.O_NOCTTY),)
    )


def _start_host(profile: Profile, image: Image) -> VirtualBoard:
    """The firmware holds the master side of a pseudo-terminal as its standard input and output."""
    import tty

    master, ours = os.openpty()
    try:
        tty.setraw(ours)
        process = _spawn([str(image.elf)], profile, master, master, subprocess.DEVNULL)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(master)
    return VirtualBoard(os.ttyname(ours), process, (ours,))


def _spawn(
    command: list[str],
    profile: Profile,
    stdin: int,
    stdout: int,
    stderr: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
    except OSError as error:
        raise BoardError(
            f"{Path(command[0]).name} cannot be started: {error.strerror}",
            profile.id,
            "build it again",
        ) from error


def _pty_of(process: subprocess.Popen[bytes]) -> str:
    """The pseudo-terminal's name, which QEMU prints."""
    assert process.stdout is not None
    said = b""
    end = time.monotonic() + _START_S
    while (left := end - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        more = os.read(process.stdout.fileno(), 4096)
        said += more
        found = _PTY_NAME.search(said)
        if found:
            return found[1].decode()
        if not more:
            break
    raise BoardError("QEMU does not start", _QEMU, "check its installation")


def _free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _await_tcp(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            time.sleep(0.02)
    raise BoardError("QEMU does not start", _QEMU, "check its installation")


def _end(process: subprocess.Popen[bytes]) -> None:
    end(process)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
