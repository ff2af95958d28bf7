"""Children that end with the job that needs them, and with this process, however that ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.errors import BuildError
from studio.job import Job, Progress

_POLL_S = 0.02
NICENESS = 5
"""The window comes first."""


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], progress: Progress
) -> Job[tuple[int, str]]:
    """Run a command to its end; closing the job kills it and all that it started.

    Args:
        command: the program and its arguments.
        folder: the working directory.
        environment: variables to set beside those of this process.
        progress: what to report while it runs.

    Returns:
        Exit status, and standard output and error together.

    Raises:
        BuildError: the program is not there.
    """
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
        except OSError as error:
            raise BuildError(
                f"cannot be started: {error.strerror}", command[0], "install it, or choose another"
            ) from error
        watch(child)
        try:
            while child.poll() is None:
                yield progress
                try:
                    child.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            leave(child)  # before the number is free: nobody must kill who gets it next
            end(child)
        output.seek(0)
        return child.returncode, output.read().decode(errors="replace")


def watch(child: subprocess.Popen[bytes]) -> None:
    """Make a child's group of processes nice, and let it end with this process, were it by kill -9.

    Args:
        child: leads a group; say `leave` before its number is free again.
    """
    if os.name == "posix":
        _watcher.watched(child, True)
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PGRP, child.pid, NICENESS)


def leave(child: subprocess.Popen[bytes]) -> None:
    """The child ends by itself from here on; a second time does nothing."""
    if os.name == "posix":
        _watcher.watched(child, False)


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and all that it started, and wait for it."""
    if child.poll() is None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        else:
            tree = ["taskkill", "/T", "/F", "/PID", str(child.pid)]
            with contextlib.suppress(OSError):  # then the child alone
                subprocess.run(tree, capture_output=True, check=False)
            child.kill()
    child.wait()


class _Watcher:
    """A process that waits for the end of this one, and then ends the groups that it knows.

    Its standard input closes when this process ends. (The kernel's parent-death signal would come
    when the thread ends that started the child.) One for all, since starting one keeps every
    thread of this process waiting.
    """

    _PROGRAM = 'while read -r all; do groups=$all; done; for g in $groups; do kill -9 -"$g"; done'

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def watched(self, child: subprocess.Popen[bytes], on: bool) -> None:
        """Take a child's group in, or leave it out."""
        with self._lock:
            if on == (child in self._children):
                return
            (self._children.add if on else self._children.remove)(child)
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            assert self._process.stdin is not None
            groups = " ".join(str(one.pid) for one in self._children)
            self._process.stdin.write(f"{groups}\n".encode())
            self._process.stdin.flush()

    def _start(self) -> subprocess.Popen[bytes]:
        none = subprocess.DEVNULL
        process = subprocess.Popen(
            ["/bin/sh", "-c", self._PROGRAM], stdin=subprocess.PIPE, stdout=none, stderr=none,
            start_new_session=True,
        )  # fmt: skip
        atexit.register(process.communicate)
        return process


_watcher = _Watcher()
