"""A compiler as a child process that a cancelled job ends, and the end of this process, too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.errors import BuildError
from studio.job import Job, Progress

_POLL_S = 0.02
_NICENESS = 5
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
            )
        except OSError as error:
            raise BuildError(
                f"cannot be started: {error.strerror}", command[0], "install it, or choose another"
            ) from error
        _be_nice(child.pid)
        guard = watcher(child.pid)
        try:
            while child.poll() is None:
                yield progress
                try:
                    child.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if guard is not None:  # before the number is free: it must not kill who gets it next
                guard.kill()
                guard.communicate()
            _end(child)
        output.seek(0)
        return child.returncode, output.read().decode(errors="replace")


def watcher(group: int) -> subprocess.Popen[bytes] | None:
    """A process that waits for the end of this one, and then ends a group of processes.

    Its standard input closes when this process ends, were it by kill -9. (The kernel's
    parent-death signal would come when the thread ends that started the child.) End it before
    the group's number is free again. None where processes have no groups.
    """
    if os.name != "posix":
        return None
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read _; kill -9 -"$0"', str(group)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _be_nice(group: int) -> None:
    if os.name == "posix":
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PGRP, group, _NICENESS)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
